"""Two replicas of intake over one database: whoever waits is served, whichever replica took the order or heard of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx2
import pytest

from local.postgres import EmbeddedPostgres
from local.serve import build_service
from tests.support.databases import fresh_database
from tests.support.kafka import ApacheKafka
from tests.support.orders import events_in, new_order
from tests.support.stack import environments_on, running, serving, token


@dataclass
class Replicas:
    one: httpx2.AsyncClient
    two: httpx2.AsyncClient


@pytest.fixture(scope="module")
async def intakes(postgres_server: EmbeddedPostgres, kafka_node: ApacheKafka) -> AsyncIterator[Replicas]:
    """Each has some of the partitions. On Apache Kafka: the embedded broker is for one reader a group."""
    async with AsyncExitStack() as stack:
        database_url = await stack.enter_async_context(fresh_database(postgres_server))
        await kafka_node.forget()
        system = await stack.enter_async_context(running(environments_on(kafka_node, database_url)))
        url = await stack.enter_async_context(serving(build_service("intake", system.environments["intake"])))
        headers = {"Authorization": f"Bearer {token('assistant')}"}
        second = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, headers=headers, timeout=40))
        both = Replicas(system.as_("assistant"), second)
        async with asyncio.timeout(120):
            for client in (both.one, both.two):  # until the group of the two has settled
                while await decided(client) != "processing":
                    pass
        yield both


async def decided(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/api/orders", json=new_order(), headers={"Prefer": "wait=20"})
    return str(answer.json()["status"])


async def test_waiting_works_at_either_replica(intakes: Replicas) -> None:
    for client in (intakes.one, intakes.two) * 6:
        answer = await client.post("/api/orders", json=new_order(), headers={"Prefer": "wait=20"})
        assert (answer.status_code, answer.json()["status"]) == (202, "processing")


async def last_event(client: httpx2.AsyncClient, order_id: str) -> dict[str, object]:
    async with client.stream("GET", f"/api/orders/{order_id}/events") as answer:
        events = list(events_in([line async for line in answer.aiter_lines()]))
    return events[-1][1]


async def test_a_stream_works_at_either_replica(intakes: Replicas) -> None:
    for taker in (intakes.one, intakes.two) * 3:
        order_id = (await taker.post("/api/orders", json=new_order())).json()["order_id"]
        ends = await asyncio.gather(last_event(intakes.one, order_id), last_event(intakes.two, order_id))
        assert [end["status"] for end in ends] == ["completed", "completed"]
        assert ends[0] == ends[1]


async def test_a_key_is_known_to_both_replicas(intakes: Replicas) -> None:
    order, headers = new_order(), {"Idempotency-Key": "replicas", "Prefer": "wait=20"}
    clients = (intakes.one, intakes.two) * 10
    answers = await asyncio.gather(*(c.post("/api/orders", json=order, headers=headers) for c in clients))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1


async def test_an_order_is_confirmed_at_the_other_replica(intakes: Replicas) -> None:
    order = new_order()
    await intakes.one.post("/api/orders", json=order, headers={"Prefer": "wait=20"})
    second = json.loads(json.dumps(order)) | {"order_date": "2026-02-06"}
    answer = await intakes.one.post("/api/orders", json=second, headers={"Prefer": "wait=20"})
    confirmed = await intakes.two.post(answer.json()["detail"]["confirm"], headers={"Prefer": "wait=20"})
    assert confirmed.json()["status"] == "processing"
