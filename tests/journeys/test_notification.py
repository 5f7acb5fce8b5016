"""A partner subscribes a webhook, and learns what becomes of its orders without asking."""

import json
from typing import Any

import httpx2

from tests.support.chassis import until
from tests.support.orders import assert_error
from tests.support.partners import clinic, new_patient
from tests.support.receivers import Receiver, receiver
from tests.support.stack import Stack


async def subscribed(client: httpx2.AsyncClient, here: Receiver, **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/notifications/subscriptions", json={"url": here.url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def ordered(client: httpx2.AsyncClient, body: bytes) -> str:
    answer = await client.post(
        "/api/intake/clinic", content=body, headers={"Content-Type": "application/json", "Prefer": "wait=30"}
    )
    order_id: str = answer.json().get("order_id") or answer.json()["detail"]["order_id"]
    return order_id


async def delivered(client: httpx2.AsyncClient, order_id: str, subscription_id: str) -> list[dict[str, Any]]:
    """The order's deliveries to one subscriber (others' may be away), once none waits: he has his post a moment before
    that is written down.
    """
    items: list[dict[str, Any]] = []

    async def settled() -> bool:
        answer = await client.get(f"/api/notifications/deliveries?order_id={order_id}")
        items[:] = [item for item in answer.json()["items"] if item["subscription_id"] == subscription_id]
        return bool(items) and all(item["state"] != "waiting" for item in items)

    await until(settled)
    return items


async def test_a_completed_order_reaches_its_partner_as_a_signed_webhook_that_names_no_patient(system: Stack) -> None:
    partner = system.as_partner("clinic")
    async with receiver() as here:
        made = await subscribed(partner, here)
        order_id = await ordered(partner, new_patient("clinic"))
        (post,) = await here.until(1)
        told = post.verified(made["secret"])
        assert told["type"] == "order.completed"
        assert told["data"]["order_id"] == order_id
        assert set(told["data"]) == {"order_id", "external_id", "status", "codes"}

        listed = await delivered(partner, order_id, made["id"])
        assert [(d["state"], d["tries"], d["last_http_status"]) for d in listed] == [("delivered", 1, 204)]
        again = await partner.post(f"/api/notifications/deliveries/{listed[0]['id']}/resend")
        assert again.status_code == 202
        _, second = await here.until(2)
        assert (second.id, second.body) == (post.id, post.body), "who has it already knows it by its id"
        assert (await partner.delete(f"/api/notifications/subscriptions/{made['id']}")).status_code == 204


async def test_a_block_and_a_warning_are_told_by_their_codes_and_another_source_hears_nothing(system: Stack) -> None:
    partner, other = system.as_partner("clinic"), system.as_partner("pharmacorp")
    order = json.loads(clinic())
    another_day = {**order, "visit_date": "02/07/2026"}
    async with receiver() as here, receiver() as elsewhere:
        made = await subscribed(partner, here, statuses=["needs_confirmation", "rejected"])
        foreign = await subscribed(other, elsewhere)
        await ordered(partner, json.dumps(order).encode())
        blocked = await ordered(partner, json.dumps(order).encode())
        warned = await ordered(partner, json.dumps(another_day).encode())
        told = {t["data"]["order_id"]: t for t in (p.verified(made["secret"]) for p in await here.until(2))}
        assert (told[blocked]["type"], told[blocked]["data"]["codes"]) == (
            "order.rejected",
            ["DUPLICATE_ORDER_SAME_DAY"],
        )
        assert (told[warned]["type"], told[warned]["data"]["codes"]) == (
            "order.needs_confirmation",
            ["DUPLICATE_ORDER_OTHER_DAY"],
        )
        assert elsewhere.received == []
        for client, subscription in ((partner, made), (other, foreign)):
            await client.delete(f"/api/notifications/subscriptions/{subscription['id']}")


async def test_what_is_another_sources_does_not_exist_and_staff_other_than_admins_are_refused(system: Stack) -> None:
    partner, other = system.as_partner("clinic"), system.as_partner("pharmacorp")
    async with receiver() as here:
        made = await subscribed(partner, here)
        path = f"/api/notifications/subscriptions/{made['id']}"
        assert_error(await other.get(path), 404, "error", "NOT_FOUND")
        assert_error(await other.patch(path, json={"enabled": False}), 404, "error", "NOT_FOUND")
        assert_error(await other.delete(path), 404, "error", "NOT_FOUND")
        for role in ("assistant", "pharmacist", "analyst"):
            assert_error(await system.as_(role).get(path), 403, "error", "FORBIDDEN")
        assert_error(await system.anonymous().get(path), 401, "error", "UNAUTHENTICATED")
        assert (await system.as_("admin").get(path)).json()["source"] == "clinic"

        async def is_listed() -> bool:
            items = (await system.as_("admin").get("/api/notifications/subscriptions")).json()["items"]
            return made["id"] in {item["id"] for item in items}

        await until(is_listed)
        assert (await partner.delete(path)).status_code == 204
