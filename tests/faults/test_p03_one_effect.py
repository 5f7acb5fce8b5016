"""P3: one care plan and one effect per order, though every event comes five times, in any order."""

import asyncio
import csv
import random

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import CAREPLANS, DECISIONS, ORDERS
from tests.support.chassis import everything_on
from tests.support.system import System

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

_TIMES = 4
"""Besides the first."""


async def _deliver_everything_again(system: System) -> int:
    """Each message of each topic, as it was, in one great disorder."""
    records = [
        record for topic in (ORDERS, DECISIONS, CAREPLANS) for record in await everything_on(system.broker, topic.name)
    ]
    again = [record for record in records for _ in range(_TIMES)]
    random.Random(3).shuffle(again)
    async with AIOKafkaProducer(
        bootstrap_servers=system.broker.bootstrap_servers, max_request_size=4 * 1024 * 1024
    ) as to:
        sent = [
            await to.send(r.topic, r.value, key=r.key, headers=[(name, value) for name, value in r.headers])
            for r in again
        ]
        await asyncio.gather(*sent)
    return len(again)


async def _read_to_the_end(system: System) -> None:
    """Every reader has committed whatever there is, and goes on for a moment."""
    order_ids = await system.accepted(3)
    await system.completed(order_ids)
    await asyncio.sleep(5)


async def _report(system: System) -> list[dict[str, str]]:
    answer = await system.at("reporting", "analyst").get("/api/reports/orders.csv")
    return list(csv.DictReader(answer.text.splitlines()))


async def test_p3_five_times_everything_in_any_order_is_one_effect(system: System) -> None:
    order_ids = await system.accepted(25)
    before = await system.completed(order_ids)
    await asyncio.sleep(3)  # reporting too has read it
    calls = sum(system.model.calls.values())
    assert await _deliver_everything_again(system) >= _TIMES * 3 * 25
    await _read_to_the_end(system)
    assert [await system.show(order_id) for order_id in order_ids] == before
    plans = await system.query("SELECT order_id::text, count(*) AS n FROM generator.careplans GROUP BY 1")
    told = await system.query("SELECT subject::text, count(*) AS n FROM generator.outbox GROUP BY 1")
    assert {row["order_id"]: row["n"] for row in plans if row["order_id"] in order_ids} == dict.fromkeys(order_ids, 1)
    assert {row["subject"]: row["n"] for row in told if row["subject"] in order_ids} == dict.fromkeys(order_ids, 1)
    rows = [row["order_id"] for row in await _report(system)]
    assert sorted(row for row in rows if row in order_ids) == sorted(order_ids), "0 extra, 0 missing"
    assert sum(system.model.calls.values()) == calls + 3
