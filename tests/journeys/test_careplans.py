"""A care plan over the whole system: shown, downloaded, in the report and in the figures."""

import asyncio
import csv
import io
import json
from typing import Any

import httpx2
import pytest

from services.reporting.documents import ShownCarePlan, Summary
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack


async def completed(system: Stack, **changes: Any) -> tuple[dict[str, Any], str]:
    """A completed order, and its care plan's id, once reporting has it too."""
    client = system.as_("assistant")
    order_id = (await client.post("/api/orders", json=new_order(**changes))).json()["order_id"]
    shown = await system.until(order_id, "completed")
    careplan_id: str = shown["careplan"]["careplan_id"]
    for _ in range(500):
        if (await client.get(f"/api/careplans/{careplan_id}")).status_code == 200:
            return shown, careplan_id
        await asyncio.sleep(0.02)
    raise AssertionError("reporting never showed the care plan")


async def report(client: httpx2.AsyncClient, **params: str) -> list[dict[str, str]]:
    answer = await client.get("/api/reports/orders.csv", params=params)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_a_care_plan_is_shown_with_its_citations_and_versions(system: Stack) -> None:
    order, careplan_id = await completed(system)
    shown = (await system.as_("assistant").get(f"/api/careplans/{careplan_id}")).json()
    ShownCarePlan.model_validate_json(json.dumps(shown))
    same = {name: value for name, value in shown.items() if name not in ("order_id", "versions")}
    assert same == order["careplan"]
    assert shown["order_id"] == order["order_id"]
    [version] = shown["versions"]
    assert (version["version"], version["created_by"], version["approved_at"]) == (1, "generator", None)
    assert (await system.as_("assistant").get(f"/api/careplans/{careplan_id.upper()}")).json() == shown


async def test_the_text_download_is_a_file_named_by_id(system: Stack) -> None:
    order, careplan_id = await completed(system)
    for params in ({"format": "txt"}, {}):
        answer = await system.as_("assistant").get(f"/api/careplans/{careplan_id}/download", params=params)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="careplan-{careplan_id}-v1.txt"'
        assert answer.text == order["careplan"]["text"]
        assert "Draft: requires pharmacist review" in answer.text
        for heading in ("Problem list", "Goals", "Pharmacist interventions", "Monitoring plan"):
            assert heading in answer.text


async def test_the_json_download_is_a_file(system: Stack) -> None:
    order, careplan_id = await completed(system)
    answer = await system.as_("assistant").get(f"/api/careplans/{careplan_id}/download", params={"format": "json"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == f'attachment; filename="careplan-{careplan_id}-v1.json"'
    assert answer.json()["sections"] == order["careplan"]["sections"]


async def test_another_format_is_refused(system: Stack) -> None:
    _, careplan_id = await completed(system)
    answer = await system.as_("assistant").get(f"/api/careplans/{careplan_id}/download", params={"format": "docx"})
    assert_error(answer, 400, "validation", "VALIDATION")


@pytest.mark.parametrize("careplan_id", ["0193f0a2-7a11-7c3e-8b1d-0d4f3f5f2aff", "x", "%00", "%ff", "a" * 3000])
async def test_what_names_no_care_plan_is_404(careplan_id: str, system: Stack) -> None:
    for path in ("", "/download", "/download?format=json"):
        answer = await system.as_("assistant").get(f"/api/careplans/{careplan_id}{path}")
        assert_error(answer, 404, "error", "NOT_FOUND")


async def test_a_care_plan_of_another_source_is_nobodys(system: Stack) -> None:
    _, careplan_id = await completed(system)
    for path in (f"/api/careplans/{careplan_id}", f"/api/careplans/{careplan_id}/download"):
        assert_error(await system.as_partner("clinic").get(path), 404, "error", "NOT_FOUND")


# ── reports ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_report_has_the_completed_orders_one_row_each(system: Stack) -> None:
    drug = "=Reported drug"
    order, careplan_id = await completed(system, medication=drug, order_date="2026-01-20")
    client = system.as_("assistant")
    again = json.loads(json.dumps(order["order"])) | {"additional_diagnoses": [], "medication_history": []}
    blocked = await client.post("/api/orders", json=again, headers={"Prefer": "wait=20"})
    assert blocked.status_code == 409
    rows = await report(system.as_("analyst"), medication=drug)
    [row] = rows
    assert row["order_id"] == order["order_id"]
    assert row["careplan_id"] == careplan_id
    assert row["medication"] == f"'{drug}"
    assert row["additional_diagnoses"] == "I10 K21.9"
    assert row["order_date"] == "2026-01-20"
    assert row["completed_at"].endswith("Z")


async def test_the_report_is_filtered_by_order_date_medication_and_source(system: Stack) -> None:
    order, _ = await completed(system, medication="Reportfilter [1]", order_date="2025-12-24")
    analyst = system.as_("analyst")

    async def ids(**params: str) -> list[str]:
        return [row["order_id"] for row in await report(analyst, **{"medication": "reportfilter", **params})]

    for params in (
        {},
        {"from": "2025-12-24", "to": "2025-12-24"},
        {"source": "web"},
        {"medication": "REPORTFILTER [1"},
    ):
        assert await ids(**params) == [order["order_id"]], params
    for params in (
        {"from": "2025-12-25"},
        {"to": "2025-12-23"},
        {"source": "clinic"},
        {"medication": "reportfilter [2"},
    ):
        assert await ids(**params) == [], params


async def test_the_report_tells_nobody_who_a_patient_is(system: Stack) -> None:
    order, _ = await completed(system)
    text = (await system.as_("analyst").get("/api/reports/orders.csv")).text
    patient = order["order"]["patient"]
    assert patient["last_name"] not in text
    assert f",{patient['mrn']}," not in text
    assert patient["date_of_birth"] not in text


async def test_the_report_is_a_file(system: Stack) -> None:
    answer = await system.as_("analyst").get("/api/reports/orders.csv", params={"source": "nobody"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "content-length" not in answer.headers
    assert answer.text.startswith("order_id,")
    assert len(answer.text.splitlines()) == 1


async def test_the_summary_counts_what_is_there(system: Stack) -> None:
    day = {"from": "2024-05-06", "to": "2024-05-06"}
    first, _ = await completed(system, order_date="2024-05-06", medication="Sumdrug")
    await completed(system, order_date="2024-05-06", medication="Sumdrug")
    again = json.loads(json.dumps(first["order"]))
    await system.as_("assistant").post("/api/orders", json=again, headers={"Prefer": "wait=20"})
    for _ in range(1000):
        answer = await system.as_("analyst").get("/api/reports/summary", params=day)
        if answer.json()["by_status"] == {"completed": 2, "rejected": 1}:
            break
        await asyncio.sleep(0.02)
    summary = answer.json()
    Summary.model_validate_json(json.dumps(summary))
    assert summary["by_status"] == {"completed": 2, "rejected": 1}
    assert summary["by_source"] == {"web": 3}
    assert summary["by_medication"] == {"Sumdrug": 3}
    (shown,) = summary["by_day"]
    assert (shown["day"], shown["orders"], shown["completed"], shown["rejected"]) == ("2024-05-06", 3, 2, 1)
    assert shown["seconds_p95"] == summary["figures"]["seconds_p95"]
    assert (shown["with_warnings"], shown["cost_usd"]) == (summary["figures"]["with_warnings"], 0)
    # `scripted` calls nobody who could send a bill.
    assert (summary["figures"]["orders"], summary["figures"]["calls"]) == (3, 0)
    assert 0 < summary["figures"]["seconds_p50"] <= summary["figures"]["seconds_p95"]
    assert first["order"]["patient"]["last_name"] not in answer.text


async def test_a_summary_of_nothing_is_a_summary(system: Stack) -> None:
    answer = await system.as_("analyst").get("/api/reports/summary", params={"from": "1999-01-01", "to": "1999-01-01"})
    summary = Summary.model_validate_json(answer.text)
    assert (summary.figures.orders, summary.figures.seconds_p50, summary.by_day) == (0, None, [])


@pytest.mark.parametrize("path", ["/api/reports/orders.csv", "/api/reports/summary"])
@pytest.mark.parametrize("query", ["from=2026-2-5", "to=1700000000", "from=%00"])
async def test_an_impossible_day_is_400(path: str, query: str, system: Stack) -> None:
    assert_error(await system.as_("analyst").get(f"{path}?{query}"), 400, "validation", "VALIDATION")
