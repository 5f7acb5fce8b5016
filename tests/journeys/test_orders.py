"""One order over the whole system: GET, the stream of its changes, confirm, retry."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from chassis.messaging.nudges import Nudges
from local.broker import EmbeddedBroker
from local.serve import build_service
from services.generator import main as generator
from services.generator.adapters.model import ModelAnswer, ModelFailed
from services.generator.adapters.scripted import Scripted
from services.generator.domain.request import PlanRequest
from services.generator.settings import GeneratorSettings
from services.intake.documents import ShownOrder
from tests.support.chassis import until
from tests.support.orders import assert_error, events_in, new_order
from tests.support.stack import Stack, environments, running

WAIT = {"Prefer": "wait=20"}


async def submitted(client: httpx2.AsyncClient, order: dict[str, Any], *, wait: bool = True) -> str:
    answer = await client.post("/api/orders", json=order, headers=WAIT if wait else {})
    body = answer.json()
    order_id: str = body["order_id"] if answer.status_code == 202 else body["detail"]["order_id"]
    return order_id


async def doubtful(client: httpx2.AsyncClient) -> tuple[str, dict[str, Any]]:
    """An order that waits for confirmation, and what it says."""
    order = new_order()
    await submitted(client, order)
    second = order | {"order_date": "2026-02-06"}
    return await submitted(client, second), second


async def followed(
    client: httpx2.AsyncClient, order_id: str, begun: asyncio.Event | None = None
) -> list[dict[str, Any]]:
    """`begun` is set with the first line."""
    lines = []
    async with client.stream("GET", f"/api/orders/{order_id}/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            lines.append(line)
            if begun and line.startswith("data:"):
                begun.set()
    events = list(events_in(lines))
    assert {name for name, _ in events} == {"order"}
    return [shown for _, shown in events]


# ── GET ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_order_is_shown_as_documented(system: Stack) -> None:
    client = system.as_("assistant")
    order_id = await submitted(client, new_order())
    shown = await system.until(order_id, "completed")
    documented = ShownOrder.model_validate_json(json.dumps(shown))
    assert set(shown) == set(ShownOrder.model_fields)
    assert documented.careplan is not None
    assert (await client.get(f"/api/orders/{order_id.upper()}")).json() == shown


@pytest.mark.parametrize(
    "order_id",
    ["x", "1", "00000000-0000-0000-0000-000000000000", "0193", "%00", "%ff", "{}", "a" * 5000, "%2e%2e", "🙂",
     "urn:uuid:00000000-0000-7000-8000-000000000000", "00000000000070008000000000000000",
     "00000000-0000-7000-8000-00000000000٣", "{00000000-0000-7000-8000-000000000000}"],
)  # fmt: skip
async def test_what_names_no_order_is_404(order_id: str, system: Stack) -> None:
    client = system.as_("pharmacist")
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/confirm"), ("POST", "/retry")):
        answer = await client.request(method, f"/api/orders/{order_id}{path}")
        assert_error(answer, 404, "error", "NOT_FOUND")


# ── the stream ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_stream_shows_the_order_at_once_then_each_change_and_ends(system: Stack) -> None:
    client = system.as_("assistant")
    order_id = await submitted(client, new_order(), wait=False)
    shown = await followed(client, order_id)
    statuses = [order["status"] for order in shown]
    assert statuses == ["pending", "processing", "completed"][-len(statuses) :]
    assert [order["order_id"] for order in shown] == [order_id] * len(shown)
    assert shown[-1] == (await client.get(f"/api/orders/{order_id}")).json()
    assert shown[-1]["careplan"]


async def test_the_stream_of_a_finished_order_is_one_event(system: Stack) -> None:
    client = system.as_("assistant")
    order_id = await submitted(client, new_order())
    shown = await system.until(order_id, "completed")
    assert await followed(client, order_id) == [shown]


async def test_the_stream_goes_on_through_a_confirmation(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, _ = await doubtful(client)
    begun = asyncio.Event()
    following = asyncio.create_task(followed(client, order_id, begun))
    await asyncio.wait_for(begun.wait(), 60)
    assert not following.done()
    assert (await client.post(f"/api/orders/{order_id}/confirm")).status_code == 202
    statuses = [shown["status"] for shown in await following]
    assert statuses == ["needs_confirmation", "pending", "processing", "completed"]


async def test_many_may_follow_one_order(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, _ = await doubtful(client)
    begun = [asyncio.Event() for _ in range(10)]
    following = [asyncio.create_task(followed(client, order_id, each)) for each in begun]
    await asyncio.wait_for(asyncio.gather(*(each.wait() for each in begun)), 60)
    await client.post(f"/api/orders/{order_id}/confirm")
    ends = {json.dumps(shown[-1]) for shown in await asyncio.gather(*following)}
    assert len(ends) == 1


# ── confirm ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_confirmed_order_goes_on(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, _ = await doubtful(client)
    answer = await client.post(f"/api/orders/{order_id}/confirm")
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/orders/{order_id}")
    assert (answer.json()["order_id"], answer.json()["status"]) == (order_id, "pending")
    assert answer.json()["links"]["events"] == f"/api/orders/{order_id}/events"
    shown = await system.until(order_id, "completed")
    statuses = [step["status"] for step in shown["timeline"]]
    assert statuses == ["pending", "needs_confirmation", "pending", "processing", "completed"]
    assert [(p["code"], p["confirmed"]) for p in shown["problems"]] == [("DUPLICATE_ORDER_OTHER_DAY", True)]


async def test_confirm_honours_prefer(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, _ = await doubtful(client)
    answer = await client.post(f"/api/orders/{order_id}/confirm", headers=WAIT)
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    assert answer.headers["preference-applied"] == "wait"


async def test_confirm_honours_the_idempotency_key(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, _ = await doubtful(client)
    for path in (f"/api/orders/{order_id}/confirm",):
        first = await client.post(path, headers={"Idempotency-Key": "confirm"})
        await system.until(order_id, "completed")
        again = await client.post(path, headers={"Idempotency-Key": "confirm"})
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert_error(await client.post(f"/api/orders/{order_id}/confirm"), 409, "error", "WRONG_STATE")


async def test_a_second_confirm_is_the_wrong_state(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, _ = await doubtful(client)
    answers = await asyncio.gather(*(client.post(f"/api/orders/{order_id}/confirm") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert {answer.json().get("code") for answer in answers} == {None, "WRONG_STATE"}


@pytest.mark.parametrize("action", ["confirm", "retry"])
async def test_a_finished_order_is_the_wrong_state(action: str, system: Stack) -> None:
    client = system.as_("pharmacist")
    order_id = await submitted(client, new_order())
    await system.until(order_id, "completed")
    answer = await client.post(f"/api/orders/{order_id}/{action}", headers={"Idempotency-Key": action})
    assert_error(answer, 409, "error", "WRONG_STATE")
    again = await client.post(f"/api/orders/{order_id}/{action}", headers={"Idempotency-Key": action})
    assert again.content == answer.content


async def test_a_warning_that_is_new_at_confirmation_is_asked_again(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, order = await doubtful(client)
    await submitted(client, order | {"order_date": "2026-02-07", "confirm": True})
    answer = await client.post(f"/api/orders/{order_id}/confirm", headers=WAIT)
    detail = assert_error(answer, 409, "warning", "DUPLICATE_ORDER_OTHER_DAY")["detail"]
    assert len(detail["warnings"][0]["detail"]["orders"]) == 2
    answer = await client.post(detail["confirm"], headers=WAIT)
    assert answer.json()["status"] == "processing"


async def test_a_block_that_is_new_at_confirmation_rejects(system: Stack) -> None:
    client = system.as_("assistant")
    order_id, order = await doubtful(client)
    await submitted(client, order | {"confirm": True})
    answer = await client.post(f"/api/orders/{order_id}/confirm", headers=WAIT)
    assert_error(answer, 409, "block", "DUPLICATE_ORDER_SAME_DAY")
    shown = (await client.get(f"/api/orders/{order_id}")).json()
    assert [step["status"] for step in shown["timeline"]] == ["pending", "needs_confirmation", "pending", "rejected"]


# ── retry ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Moody:
    """Writes as `Scripted` does, unless told to fail."""

    provider, model, billed, prompt_version = "moody", "moody-1", False, "1"

    def __init__(self) -> None:
        self.fails = True
        self._scripted = Scripted()

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        if self.fails:
            raise ModelFailed("TIMEOUT")
        return await self._scripted.write(request, complaints)


async def test_a_failed_plan_is_retried_by_a_pharmacist(database_url: str, broker: EmbeddedBroker) -> None:
    model = Moody()

    def build(service: str, values: Mapping[str, str], nudges: Nudges) -> Any:
        if service != "generator":
            return build_service(service, values, nudges)
        return generator.build(GeneratorSettings(**values), nudges, model=model)  # type: ignore[arg-type]

    settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True)
    async with running(settings, build) as stack:
        pharmacist = stack.as_("pharmacist")
        order_id = await submitted(pharmacist, new_order())
        shown = await stack.until(order_id, "failed")
        [problem] = shown["problems"]
        assert (problem["type"], problem["detail"]) == ("notice", {"reason": "TIMEOUT"})
        assert "try again" in problem["message"].lower()
        assert shown["careplan"] is None

        path = f"/api/orders/{order_id}/retry"
        assert_error(await stack.as_("assistant").post(path), 403, "error", "FORBIDDEN")
        assert_error(await stack.as_partner("clinic").post(path), 403, "error", "FORBIDDEN")

        async def failed() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await pharmacist.get("/api/orders", params={"status": "failed"})).json()[
                "items"
            ]
            return items

        found = await until(failed)  # search hears of it a moment after intake
        assert [(item["order_id"], item["problems"][0]["code"]) for item in found] == [(order_id, "GENERATION_FAILED")]

        model.fails = False
        first = await pharmacist.post(path, headers={"Idempotency-Key": "r", "Prefer": "wait=30"})
        assert (first.status_code, first.json()["status"]) == (202, "processing")
        assert first.headers["preference-applied"] == "wait"
        shown = await stack.until(order_id, "completed")
        assert (await pharmacist.post(path, headers={"Idempotency-Key": "r"})).content == first.content
        assert_error(await pharmacist.post(path), 409, "error", "WRONG_STATE")
        statuses = [step["status"] for step in shown["timeline"]]
        assert statuses == ["pending", "processing", "failed", "processing", "completed"]
        assert shown["problems"] == []


async def test_an_order_of_another_source_is_nobodys(system: Stack) -> None:
    order_id, _ = await doubtful(system.as_("assistant"))
    partner = system.as_partner("clinic")
    unknown = str(uuid4())
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/confirm")):
        theirs = assert_error(await partner.request(method, f"/api/orders/{order_id}{path}"), 404, "error", "NOT_FOUND")
        nobodys = assert_error(await partner.request(method, f"/api/orders/{unknown}{path}"), 404, "error", "NOT_FOUND")
        assert theirs | {"trace_id": ""} == nobodys | {"trace_id": ""}
