"""The work list as it is pushed: who watches learns of every change, of other processes' changes too; others never can."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.reporting import storage
from services.reporting.documents import FoundOrder
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack


async def events(answer: httpx2.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.aiter_lines():
        kind, _, value = line.partition(": ")
        if kind == "event":
            name = value
        elif kind == "data":
            yield name, json.loads(value)


async def test_a_watcher_sees_an_order_come_and_move_without_asking(system: Stack) -> None:
    client = system.as_("pharmacist")
    async with asyncio.timeout(60), client.stream("GET", "/api/orders/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        assert (await anext(stream))[0] == "reload"
        order_id = (await system.as_("assistant").post("/api/orders", json=new_order())).json()["order_id"]
        seen: list[str] = []
        async for name, data in stream:
            for item in data.get("items", []) if name == "orders" else []:
                FoundOrder.model_validate_json(json.dumps(item))
                assert "patient_records" not in item["order"]
                seen += [item["status"]] if item["order_id"] == order_id else []
            if "completed" in seen:
                break


async def test_ten_watchers_cost_one_read_of_what_changed(system: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    read_ids: list[set[str]] = []
    read = storage.orders_by_id

    async def noted(tx: Any, order_ids: list[Any]) -> list[Any]:
        read_ids.append(set(map(str, order_ids)))
        return await read(tx, order_ids)

    monkeypatch.setattr(storage, "orders_by_id", noted)
    order_id = ""

    async def watch(is_open: asyncio.Event) -> int:
        async with system.as_("assistant").stream("GET", "/api/orders/events") as answer:
            heard = 0
            async for _, data in events(answer):
                is_open.set()
                statuses = [item["status"] for item in data.get("items", []) if item["order_id"] == order_id]
                heard += bool(statuses)
                if "completed" in statuses:
                    break
            return heard

    opened = [asyncio.Event() for _ in range(10)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        watchers = [group.create_task(watch(is_open)) for is_open in opened]
        await asyncio.gather(*(is_open.wait() for is_open in opened))
        order_id = (await system.as_("assistant").post("/api/orders", json=new_order())).json()["order_id"]
    assert all(watcher.result() >= 1 for watcher in watchers)
    reads = sum(order_id in ids for ids in read_ids)
    assert 0 < reads <= max(watcher.result() for watcher in watchers) + 1


@pytest.mark.parametrize("role", ["analyst", "partner", None])
async def test_only_those_who_may_see_orders_may_watch_them(system: Stack, role: str | None) -> None:
    client = system.as_partner("clinic") if role == "partner" else system.as_(role) if role else system.anonymous()
    answer = await client.get("/api/orders/events")
    if role:
        assert_error(answer, 403, "error", "FORBIDDEN")
    else:
        assert_error(answer, 401, "error", "UNAUTHENTICATED")
