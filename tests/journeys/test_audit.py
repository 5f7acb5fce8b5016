"""Who did or saw what in the running system: every way in and out leaves its row, and no row says anything of a patient."""

import json
from typing import Any

import asyncpg
import httpx2
import pytest

from local.environment import SERVICES
from tests.support.chassis import until
from tests.support.orders import assert_error, new_order
from tests.support.partners import new_patient
from tests.support.stack import Stack

pytestmark = pytest.mark.anyio


async def rows_about(system: Stack, entity: str, *actions: str) -> list[dict[str, Any]]:
    """Of the audit, once every one of `actions` is there: reads are written within half a second."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        answer = await system.as_("admin").get("/api/ops/audit", params={"entity": entity, "limit": 500})
        found[:] = answer.json()["items"]
        return {row["action"] for row in found} >= set(actions)

    await until(there)
    return found


async def an_order(client: httpx2.AsyncClient, system: Stack) -> tuple[dict[str, Any], dict[str, Any]]:
    order = new_order()
    order_id = (await client.post("/api/orders", json=order)).json()["order_id"]
    return order, await system.until(order_id, "completed", 60, client)


async def test_every_read_and_change_of_an_order_and_its_plan_is_there(system: Stack) -> None:
    client, pharmacist = system.as_("assistant"), system.as_("pharmacist")
    order, shown = await an_order(client, system)
    order_id, careplan_id = shown["order_id"], shown["careplan"]["careplan_id"]
    async with client.stream("GET", f"/api/orders/{order_id}/events") as events:
        async for _ in events.aiter_bytes():
            pass

    async def readable() -> bool:
        return (await client.get(f"/api/careplans/{careplan_id}")).status_code == 200

    await until(readable)
    await client.get(f"/api/careplans/{careplan_id}/download?format=txt")
    await client.get("/api/orders", params={"q": order["patient"]["last_name"]})
    note = {"text": "Rewritten by hand.", "note": "why"}
    assert (await pharmacist.post(f"/api/careplans/{careplan_id}/revisions", json=note)).status_code == 201
    actions = (
        "submit_order",
        "get_order",
        "follow_order",
        "get_careplan",
        "download_careplan",
        "search_orders",
        "revise",
    )
    rows = await rows_about(system, order_id, *actions)
    by_action = {row["action"]: row for row in rows}
    assert {action: by_action[action]["outcome"] for action in actions} == dict(
        zip(actions, (202, 200, 200, 200, 200, 200, 201), strict=True)
    )
    assert {by_action[action]["subject"] for action in actions[:-1]} == {"assistant"}
    assert (by_action["revise"]["subject"], by_action["revise"]["acting_as"]) == ("pharmacist", "pharmacist")
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    assert sum(row["action"] == "follow_order" for row in rows) == 1
    assert sum(row["action"] == "submit_order" for row in rows) == 1
    written = json.dumps(rows)
    for value in (*order["patient"].values(), order["provider"]["name"], order["patient_records"], "Rewritten"):
        assert not isinstance(value, str) or len(value) < 5 or value not in written


async def test_a_partners_post_and_what_another_partner_asked_for_in_vain_are_there(system: Stack) -> None:
    clinic = system.as_partner("clinic")
    headers = {"Content-Type": "application/json"}
    posted = await clinic.post("/api/intake/clinic", content=new_patient("clinic"), headers=headers)
    order_id = posted.json()["order_id"]
    refused = await system.as_partner("pharmacorp").get(f"/api/orders/{order_id}")
    assert_error(refused, 404, "error", "NOT_FOUND")
    assert_error(await system.as_("analyst").get(f"/api/orders/{order_id}"), 403, "error", "FORBIDDEN")
    rows = await rows_about(system, order_id, "submit_in_own_format", "get_order")
    told = {(row["action"], row["acting_as"], row["outcome"]) for row in rows}
    assert {
        ("submit_in_own_format", "source clinic", 202),
        ("get_order", "source pharmacorp", 404),
        ("get_order", "analyst", 403),
    } <= told


async def test_signing_in_and_failing_to_is_there_and_a_name_that_nobody_has_is_not(system: Stack) -> None:
    form = {"username": "audited", "password": "correct horse battery staple", "roles": ["assistant"]}
    await system.as_("admin").post("/api/ops/accounts", json=form)
    client = system.anonymous()
    for username, password in (
        ("audited", "wrong"),
        ("my-password-in-the-wrong-field", "x"),
        ("audited", form["password"]),
    ):
        await client.post("/api/session", json={"username": username, "password": password})
    await client.delete("/api/session")

    async def of_subject() -> bool:
        answer = await system.as_("admin").get("/api/ops/audit", params={"subject": "audited"})
        told = [(row["action"], row["outcome"]) for row in answer.json()["items"]]
        return {("sign_in", 401), ("sign_in", 204), ("sign_out", 204)} <= set(told)

    await until(of_subject)
    everything = (await system.as_("admin").get("/api/ops/audit", params={"action": "sign_in", "limit": 500})).text
    assert "my-password-in-the-wrong-field" not in everything


async def test_the_audits_of_all_services_are_one_list_in_pages(system: Stack) -> None:
    await an_order(system.as_("assistant"), system)
    admin, cursor, seen = system.as_("admin"), None, []
    for _ in range(4):
        params = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        page = (await admin.get("/api/ops/audit", params=params)).json()
        seen += [(row["service"], row["id"]) for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    for moment in ("0.5", "1700000000", "2026-01-01", "2026-01-01T00:00:00"):
        refused = await admin.get("/api/ops/audit", params={"to": moment})
        assert_error(refused, 400, "validation", "VALIDATION")
    assert (await admin.get("/api/ops/audit", params={"from": "2026-01-01T00:00:00Z", "to": ""})).status_code == 200
    wrong = await admin.get("/api/ops/audit", params={"cursor": "x"})
    assert_error(wrong, 400, "validation", "VALIDATION")


async def test_no_service_may_change_its_own_audit(system: Stack) -> None:
    for service in SERVICES:
        connection = await asyncpg.connect(system.environments[service]["DATABASE_URL"])
        for statement in ("UPDATE {}.audit SET subject = 'x'", "DELETE FROM {}.audit", "DELETE FROM {}.audit_seals"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(service))
        await connection.close()
