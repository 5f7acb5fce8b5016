"""P7: a poison message never holds up its partition; it is found in the dead letters, and is replayed once."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import CAREPLANS, DECISIONS, ORDERS
from tests.support.system import System, charted_order

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

_NAMED = b"Zzyzx Quillfeather, MRN 998877. "
_POISON: tuple[tuple[bytes, list[tuple[str, bytes]]], ...] = (
    (b"", []),
    (_NAMED * 3, [("ce_type", b"careplan.order_received.v1")]),
    (b"{}", [("ce_type", b"careplan.order_accepted.v1"), ("ce_id", b"no uuid"), ("encryption-key", b"first")]),
    (b"x" * 50_000, [("ce_type", b"\xff\x00"), ("ce_id", b"\x00")]),
    (b"zzz", [("ce_type", b"careplan.care_plan_completed.v1"), ("ce_id", b"0193b0c0-0000-7000-8000-000000000001"),
              ("encryption-key", b"a key nobody has")]),
)  # fmt: skip
_READERS = ("intake", "validation", "generator", "reporting", "notification")


async def _poison(system: System) -> None:
    async with AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap_servers) as to:
        for topic in (ORDERS, DECISIONS, CAREPLANS):
            for partition in await to.partitions_for(topic.name):
                for value, headers in _POISON:
                    await to.send_and_wait(topic.name, value, key=b"poison", headers=headers, partition=partition)


async def _end_to_end(system: System, count: int) -> list[float]:
    async def one() -> float:
        began = time.monotonic()
        answer = await system.post(charted_order())
        assert answer is not None
        await system.completed([answer.json()["order_id"]])
        return time.monotonic() - began

    return sorted(await asyncio.gather(*(one() for _ in range(count))))


async def _letters(system: System, service: str) -> list[dict[str, Any]]:
    answer = await system.at(service, "admin").get("/api/ops/dead-letters?limit=500")
    return list(answer.json()["items"])


async def test_p7_poison_in_every_partition_holds_nobody_up_and_is_found(system: System) -> None:
    undisturbed = await _end_to_end(system, 30)
    await _poison(system)
    disturbed = await _end_to_end(system, 30)
    assert disturbed[-1] <= undisturbed[-1] + 30, "the p99 of thirty is the slowest"
    for service in _READERS:
        letters = [letter for letter in await _letters(system, service) if letter["subject"] is None]
        assert letters, "poison names no order"
        for letter in letters:
            assert letter["topic"] in {topic.name for topic in (ORDERS, DECISIONS, CAREPLANS)}
            assert letter["offset"] >= 0
            assert letter["attempts"] >= 1
            assert letter["reason"].isupper()
        assert _NAMED[:8] not in system.services[service].log.read_bytes()


async def test_p7_what_could_not_be_handled_is_replayed_once_and_the_order_goes_on(system: System) -> None:
    await system.query("ALTER TABLE generator.accepted_orders RENAME TO away")
    try:
        (order_id,) = await system.accepted(1)
        async with asyncio.timeout(60):
            while not (found := [x for x in await _letters(system, "generator") if x["subject"] == order_id]):
                await asyncio.sleep(0.2)
    finally:
        await system.query("ALTER TABLE generator.away RENAME TO accepted_orders")
    (letter,) = found
    assert letter["attempts"] == 3
    replay = f"/api/ops/dead-letters/{letter['id']}/replay"
    admin = system.at("generator", "admin")
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*(admin.post(replay) for _ in range(5)))])
    assert statuses == [204, 409, 409, 409, 409]
    (shown,) = await system.completed([order_id])
    assert shown["careplan"]["version"] == 1
