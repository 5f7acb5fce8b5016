"""Search over the whole system: what `q` finds, filters, and pages that stay complete while orders arrive."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from services.reporting.documents import FoundOrder, OrdersPage
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack

WAIT = {"Prefer": "wait=20"}


async def submitted(client: httpx2.AsyncClient, **changes: Any) -> tuple[str, dict[str, Any]]:
    order = new_order(**changes)
    answer = await client.post("/api/orders", json=order, headers=WAIT)
    return answer.json()["order_id"], order


async def found(client: httpx2.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get("/api/orders", params={"limit": 100, **params})
    assert answer.status_code == 200, answer.text
    return [item["order_id"] for item in answer.json()["items"]]


async def in_search(
    client: httpx2.AsyncClient, order_id: str, status: str = "completed", **params: Any
) -> dict[str, Any]:
    """The order as search shows it, once its status has come there."""
    for _ in range(500):
        for item in (await client.get("/api/orders", params={"limit": 100, **params})).json()["items"]:
            if item["order_id"] == order_id and item["status"] == status:
                shown: dict[str, Any] = item
                return shown
        await asyncio.sleep(0.02)
    raise AssertionError(f"search never showed {order_id} as {status}")


async def test_a_found_order_is_shown_without_records_and_plan_text(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, order = await submitted(client)
    item = await in_search(client, order_id)
    FoundOrder.model_validate_json(json.dumps(item))
    assert set(item) == set(FoundOrder.model_fields)
    assert "patient_records" not in item["order"]
    assert item["order"]["patient"]["mrn"] == order["patient"]["mrn"]
    shown = (await client.get(f"/api/orders/{order_id}")).json()
    assert item["careplan_id"] == shown["careplan"]["careplan_id"]
    assert (item["review"], item["version"], item["source"]) == ("draft", 1, "web")
    assert item["submitted_at"] == shown["submitted_at"]


async def test_q_looks_in_names_mrn_and_medication_whatever_the_accents(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, order = await submitted(
        client, patient={"first_name": "Zoë", "last_name": "Ibañez-O\u2019Łuk"}, medication="Quitefictional 40 mg"
    )
    await in_search(client, order_id)
    mrn = order["patient"]["mrn"]
    for q in (
        "Zoë",
        "zoe",
        "IBANEZ",
        "ibañez",
        "o'luk",
        "Zoe Ibañez",
        "Ibanez, Zoë",
        mrn,
        mrn[1:],
        "quiteFICTIONAL",
        "40 mg fictional",
    ):
        assert order_id in await found(client, q=q), q
    for q in ("zoe nobody", "G70.00", order["provider"]["name"], "%", "_", "\\", "100%", "' OR 1=1 --"):
        assert order_id not in await found(client, q=q), q


async def test_filters_narrow_the_search(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, order = await submitted(client, medication="Filteronly (x) 5%", order_date="2026-01-15")
    await in_search(client, order_id)
    narrow = {"q": order["patient"]["mrn"]}
    for params in (
        {"status": "completed"}, {"source": "web"}, {"medication": "filterONLY"}, {"medication": "5%"},
        {"from": "2026-01-15"}, {"to": "2026-01-15"}, {"from": "2026-01-15", "to": "2026-01-15"},
        {"status": "", "source": "", "medication": "", "from": "", "to": "", "cursor": "", "limit": ""},
    ):  # fmt: skip
        assert await found(client, **narrow, **params) == [order_id], params
    for params in (
        {"status": "rejected"}, {"source": "clinic"}, {"medication": "ivig"}, {"medication": "filter_nly"},
        {"from": "2026-01-16"}, {"to": "2026-01-14"}, {"from": "2026-01-16", "to": "2026-01-14"},
    ):  # fmt: skip
        assert await found(client, **narrow, **params) == [], params


async def test_search_and_the_order_itself_say_the_same(system: Stack) -> None:
    """P3."""
    client = system.as_("assistant")
    _, order = await submitted(client, primary_diagnosis="G35")
    for changes in ({}, {"order_date": "2026-02-06"}, {"order_date": "2026-02-07", "confirm": True}):
        answer = await client.post("/api/orders", json=order | changes, headers=WAIT)
        shown = await system.until(
            answer.headers["location"].rpartition("/")[2], {"completed", "rejected", "needs_confirmation"}
        )
        item = await in_search(client, shown["order_id"], shown["status"], q=order["patient"]["mrn"])
        assert item["problems"]
        for name in ("source", "external_id", "status", "submitted_at", "problems"):
            assert item[name] == shown[name]
        assert item["order"] == {name: value for name, value in shown["order"].items() if name != "patient_records"}


@pytest.mark.parametrize("status", ["rejected", "needs_confirmation"])
async def test_every_status_is_found(status: str, system: Stack) -> None:
    client = system.as_("assistant")
    _, order = await submitted(client)
    again = order | ({"order_date": "2026-02-06"} if status == "needs_confirmation" else {})
    answer = await client.post("/api/orders", json=again, headers=WAIT)
    item = await in_search(client, answer.json()["detail"]["order_id"], status, q=order["patient"]["mrn"])
    assert item["problems"][0]["code"].startswith("DUPLICATE_ORDER")
    assert (item["careplan_id"], item["review"]) == (None, None)


async def test_pages_are_complete_newest_first_and_stable_while_orders_arrive(system: Stack) -> None:
    client, mark = system.as_("assistant"), "Pagedrug"
    there = [(await submitted(client, medication=f"{mark} {n}"))[0] for n in range(23)]
    await in_search(client, there[-1], q=mark)
    for order_id in there:
        await system.until(order_id, "completed")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"q": mark, "limit": "5", "cursor": cursor or ""}
        page = (await client.get("/api/orders", params=params)).json()
        OrdersPage.model_validate_json(json.dumps(page))
        assert len(page["items"]) <= 5
        seen += [item["order_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        late, _ = await submitted(client, medication=f"{mark} late")
        await in_search(client, late, q=mark)
    assert seen == list(reversed(there))


async def test_a_last_page_that_is_full_has_no_cursor(system: Stack) -> None:
    client, mark = system.as_("assistant"), "Fulldrug"
    there = [(await submitted(client, medication=f"{mark} {n}"))[0] for n in range(4)]
    await in_search(client, there[-1], q=mark)
    first = (await client.get("/api/orders", params={"q": mark, "limit": 2})).json()
    params = {"q": mark, "limit": 2, "cursor": first["next_cursor"]}
    second = (await client.get("/api/orders", params=params)).json()
    assert (len(second["items"]), second["next_cursor"]) == (2, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "101"), ("limit", "-1"), ("limit", "x"), ("limit", "1.5"),
        ("from", "2026-2-5"), ("from", "20260205"), ("from", "1700000000"), ("from", "2026-02-05T00:00:00"),
        ("from", "2026-02-30"), ("to", "02/05/2026"), ("to", "today"), ("to", "2026-02-05Z"), ("to", "２026-02-05"),
        ("status", "done"), ("cursor", "x"), ("cursor", "é"), ("q", "x" * 201),
        ("q", "\0"), ("source", "a\0"), ("medication", "\0"), ("cursor", "\0"), ("status", "\0"),
    ],
)  # fmt: skip
async def test_an_impossible_parameter_is_400_in_the_one_form(name: str, value: str, system: Stack) -> None:
    answer = await system.as_("assistant").get("/api/orders", params={name: value})
    errors = assert_error(answer, 400, "validation", "VALIDATION")["detail"]["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(name, "VALUE")]


@pytest.mark.parametrize("limit", [1, 100])
async def test_the_bounds_of_limit_are_inclusive(limit: int, system: Stack) -> None:
    answer = await system.as_("assistant").get("/api/orders", params={"limit": limit})
    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["q=%ff", "q=%c3%28", "source=%ed%a0%80", "q=%00", "medication=%fe"])
async def test_what_is_not_utf_8_is_400(query: str, system: Stack) -> None:
    assert_error(await system.as_("assistant").get(f"/api/orders?{query}"), 400, "validation", "VALIDATION")


@pytest.mark.parametrize("query", ["q=%", "q=%zz", "q=a+b", "q=%F0%9F%99%82", "unknown=1", "q=" + "%C3%A9" * 200])
async def test_odd_texts_are_no_server_errors(query: str, system: Stack) -> None:
    assert (await system.as_("assistant").get(f"/api/orders?{query}")).status_code == 200


async def test_what_is_to_be_signed_is_found_by_its_review(system: Stack) -> None:
    client = system.as_("pharmacist")
    order_id, order = await submitted(system.as_("assistant"))
    mrn = order["patient"]["mrn"]
    careplan_id = (await in_search(client, order_id, review="draft", q=mrn))["careplan_id"]
    await client.post(f"/api/careplans/{careplan_id}/approve", json={})
    await in_search(client, order_id, review="approved", q=mrn)
    assert await found(client, review="draft", q=mrn) == []
    assert (await client.get("/api/orders", params={"review": "signed"})).status_code == 400
