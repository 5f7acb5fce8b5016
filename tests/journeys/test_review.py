"""A pharmacist revises and signs: what http.md says of revisions, approvals and versions."""

import asyncio
import copy
from random import choice, randrange
from typing import Any

import httpx2
import pytest

from tests.support.stack import Stack, sample_order

pytestmark = pytest.mark.anyio


async def written_plan(stack: Stack) -> tuple[str, dict[str, Any]]:
    """A completed order's id, and its care plan."""
    answer = await stack.as_("assistant").post("/api/orders", json=sample_order())
    shown = await stack.until(answer.json()["order_id"], "completed")
    return shown["order_id"], shown["careplan"]


async def written_plan_of_its_own(stack: Stack) -> tuple[str, dict[str, Any]]:
    """Of a patient who was not here before."""
    patient = {"mrn": f"{randrange(10**6):06d}", "last_name": "".join(choice("abcdefgh") for _ in range(12)).title()}
    answer = await stack.as_("assistant").post("/api/orders", json=sample_order(patient=patient))
    shown = await stack.until(answer.json()["order_id"], "completed")
    return shown["order_id"], shown["careplan"]


async def read_plan(client: httpx2.AsyncClient, careplan_id: str, version: int, review: str) -> dict[str, Any]:
    """The plan once reporting has that version in that state."""
    shown: dict[str, Any] = {}
    for _ in range(500):
        shown = (await client.get(f"/api/careplans/{careplan_id}")).json()
        if (shown.get("version"), shown.get("review")) == (version, review):
            return shown
        await asyncio.sleep(0.02)
    raise AssertionError(f"version {shown.get('version')} is {shown.get('review')}")


async def test_a_revision_becomes_the_next_version_with_ids_kept_and_an_approval_signs_it(stack: Stack) -> None:
    order_id, plan = await written_plan(stack)
    pharmacist, careplan_id = stack.as_("pharmacist"), plan["careplan_id"]
    assert plan["text"].startswith("Draft: requires pharmacist review")
    sections = plan["sections"]
    struck = sections["problem_list"].pop()["id"]
    for name in ("goals", "interventions", "monitoring"):
        for item in sections[name]:
            item["addresses"] = [p for p in item["addresses"] if p != struck]
    sections["problem_list"][0]["text"] = "Thrombosis risk, looked at by me."
    added = {k: v for k, v in sections["goals"][0].items() if k != "id"} | {"text": "A goal of my own."}
    sections["goals"].append(added)

    answer = await pharmacist.post(
        f"/api/careplans/{careplan_id}/revisions",
        json={"sections": sections, "note": "tightened", "rejected": [{"item": struck, "reason": "not relevant"}]},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"careplan_id": careplan_id, "version": 2, "review": "draft"}

    shown = await read_plan(pharmacist, careplan_id, 2, "draft")
    kept = [item["id"] for item in shown["sections"]["problem_list"]]
    assert kept == [item["id"] for item in sections["problem_list"]]
    new_goal = shown["sections"]["goals"][-1]
    assert new_goal["text"] == "A goal of my own."
    assert new_goal["id"] not in {goal["id"] for goal in plan["sections"]["goals"][:-1]}
    assert "Thrombosis risk, looked at by me." in shown["text"]
    assert [v["note"] for v in shown["versions"]] == ["first draft", "tightened"]
    earlier = (await pharmacist.get(f"/api/careplans/{careplan_id}", params={"version": 1})).json()
    assert (earlier["version"], len(earlier["sections"]["problem_list"])) == (1, len(sections["problem_list"]) + 1)
    assert (await pharmacist.get(f"/api/careplans/{careplan_id}", params={"version": 3})).status_code == 404

    other = await pharmacist.post(f"/api/careplans/{careplan_id}/approve", json={"version": 1})
    assert (other.status_code, other.json()["code"]) == (409, "WRONG_STATE")
    signed = await pharmacist.post(f"/api/careplans/{careplan_id}/approve", json={"version": 2})
    assert signed.status_code == 200
    shown = await read_plan(pharmacist, careplan_id, 2, "approved")
    assert "requires pharmacist review" not in shown["text"]
    assert shown["versions"][-1]["approved_by"] == "pharmacist"
    order = (await stack.as_("assistant").get(f"/api/orders/{order_id}")).json()
    assert (order["status"], order["careplan"]["review"]) == ("completed", "approved")

    again = await pharmacist.post(f"/api/careplans/{careplan_id}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "WRONG_STATE")
    await pharmacist.post(f"/api/careplans/{careplan_id}/revisions", json={"sections": shown["sections"]})
    await read_plan(pharmacist, careplan_id, 3, "draft")


async def test_an_edited_text_keeps_the_sections_and_says_that_it_was_edited(stack: Stack) -> None:
    _, plan = await written_plan(stack)
    pharmacist, careplan_id = stack.as_("pharmacist"), plan["careplan_id"]
    await pharmacist.post(f"/api/careplans/{careplan_id}/revisions", json={"text": "My own words.", "note": "shorter"})
    shown = await read_plan(pharmacist, careplan_id, 2, "draft")
    assert shown["text"] == "Draft: requires pharmacist review\n\nMy own words."
    assert shown["text_edited"] is True
    assert shown["sections"] == plan["sections"]


async def test_a_revision_that_names_what_does_not_exist_is_refused_with_every_fault(stack: Stack) -> None:
    _, plan = await written_plan(stack)
    sections = plan["sections"]
    sections["goals"][0]["addresses"] = ["P99"]
    sections["problem_list"][0]["citations"] = ["K999"]
    answer = await stack.as_("pharmacist").post(
        f"/api/careplans/{plan['careplan_id']}/revisions", json={"sections": sections}
    )
    assert answer.status_code == 400
    faults = {fault["field"] for fault in answer.json()["detail"]["errors"]}
    assert faults == {"sections.goals.0.addresses.0", "sections.problem_list.0.citations.0"}
    neither = await stack.as_("pharmacist").post(f"/api/careplans/{plan['careplan_id']}/revisions", json={"note": "?"})
    assert neither.status_code == 400


@pytest.mark.parametrize("path", ["revisions", "approve"])
async def test_only_a_pharmacist_reviews_and_an_unknown_plan_is_404(stack: Stack, path: str) -> None:
    unknown = "01a1fc7e-7ee8-7220-9c41-7f2f98973c14"
    body = {"text": "x"} if path == "revisions" else {}
    assert (await stack.as_("assistant").post(f"/api/careplans/{unknown}/{path}", json=body)).status_code == 403
    assert (await stack.as_partner("clinic").post(f"/api/careplans/{unknown}/{path}", json=body)).status_code == 403
    assert (await stack.as_("pharmacist").post(f"/api/careplans/{unknown}/{path}", json=body)).status_code == 404
    assert (await stack.as_("pharmacist").post(f"/api/careplans/nonsense/{path}", json=body)).status_code == 404
    assert (await stack.anonymous().post(f"/api/careplans/{unknown}/{path}", json=body)).status_code == 401


async def test_a_plan_with_open_gates_is_not_signed_and_every_gate_is_listed(stack: Stack) -> None:
    _, plan = await written_plan(stack)
    pharmacist, careplan_id = stack.as_("pharmacist"), plan["careplan_id"]
    sections, as_it_was = plan["sections"], copy.deepcopy(plan["sections"])
    sections["problem_list"] = sections["problem_list"][-1:]
    kept = sections["problem_list"][0]["id"]
    for name in ("goals", "interventions", "monitoring"):
        for item in sections[name]:
            item["addresses"] = [kept]
    sections["interventions"][0]["text"] = "Give cyclophosphamide 750 mg."
    address = f"/api/careplans/{careplan_id}"
    revised = await pharmacist.post(f"{address}/revisions", json={"sections": sections, "note": "shorter"})
    assert revised.status_code == 201, "a draft may have open gates"

    refused = await pharmacist.post(f"{address}/approve")
    body = refused.json()
    assert (refused.status_code, body["type"], body["code"]) == (409, "error", "WRONG_STATE")
    gates = body["detail"]["gates"]
    assert {gate["gate"] for gate in gates} >= {"G3", "G6", "G7", "G9"}
    assert all(gate["where"] and gate["message"] for gate in gates)
    assert (await read_plan(pharmacist, careplan_id, 2, "draft"))["review"] == "draft"

    mended = await pharmacist.post(f"{address}/revisions", json={"sections": as_it_was, "note": "as it was"})
    assert mended.status_code == 201, mended.text
    assert (await pharmacist.post(f"{address}/approve")).status_code == 200


async def test_each_version_says_who_made_it_when_why_and_what_it_changed(stack: Stack) -> None:
    _, plan = await written_plan(stack)
    pharmacist, address = stack.as_("pharmacist"), f"/api/careplans/{plan['careplan_id']}"
    sections = plan["sections"]
    sections["goals"][0]["text"] += " Reviewed."
    sections["goals"].append({k: v for k, v in sections["goals"][0].items() if k != "id"})
    gone = sections["interventions"].pop()["id"]
    await pharmacist.post(f"{address}/revisions", json={"sections": sections, "note": "fewer steps"})
    await pharmacist.post(f"{address}/revisions", json={"text": "My own words.", "note": "shorter"})
    shown = await read_plan(pharmacist, plan["careplan_id"], 3, "draft")
    first, second, third = shown["versions"]
    assert (first["created_by"], first["changes"]) == ("generator", None)
    assert (second["created_by"], second["note"]) == ("pharmacist", "fewer steps")
    assert second["changes"] == {
        "added": [shown["sections"]["goals"][-1]["id"]],
        "changed": [sections["goals"][0]["id"]],
        "removed": [gone],
    }
    assert third["changes"] == {"added": [], "changed": ["text"], "removed": []}
    assert first["created_at"] < second["created_at"] < third["created_at"]


async def test_reasons_for_rejected_items_are_counted(stack: Stack) -> None:
    pharmacist = stack.as_("pharmacist")
    for reason in ("Not relevant", "not relevant ", "Wrong dose"):
        _, plan = await written_plan_of_its_own(stack)
        rejected = [{"item": plan["sections"]["problem_list"][0]["id"], "reason": reason}]
        answer = await pharmacist.post(
            f"/api/careplans/{plan['careplan_id']}/revisions",
            json={"sections": plan["sections"], "note": "n", "rejected": rejected},
        )
        assert answer.status_code == 201, answer.text
    counted = (await pharmacist.get("/api/reviews/rejections")).json()["items"]
    assert [(row["section"], row["reason"], row["times"]) for row in counted] == [
        ("problem_list", "not relevant", 2),
        ("problem_list", "wrong dose", 1),
    ]
    assert counted[0]["prompt_version"] == "scripted.v1"
    assert (await pharmacist.get("/api/reviews/rejections?to=2020-01-01")).json()["items"] == []
    assert (await stack.as_("assistant").get("/api/reviews/rejections")).status_code == 403

    unknown = await pharmacist.post(
        f"/api/careplans/{plan['careplan_id']}/revisions",
        json={"sections": plan["sections"], "rejected": [{"item": "P99", "reason": "x"}]},
    )
    assert [fault["field"] for fault in unknown.json()["detail"]["errors"]] == ["rejected.0.item"]
