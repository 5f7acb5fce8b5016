"""Alerts fire when the real thing is harmed: services as processes, their model, database and broker taken away in turn.

The rules are the project's own; only `for` is a second and five minutes are two, so that nobody waits for the night. What takes
hours or a full disk to come true is shown by promtool alone (alerts_test.yml): PartnersNotTold, CostSpike, PlansLate,
ModelSlow, ConsumerBehind, ConsumerStuck, MemoryHigh and DatabaseFull.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import ORDERS
from tests.support.prometheus import Prometheus, every_alert, impatient, scraping
from tests.support.system import System, charted_order, embedded_broker, running_system

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500)]


@pytest.fixture
async def harmed(tmp_path: Path, prometheus: str) -> AsyncIterator[tuple[System, Prometheus]]:
    async with embedded_broker(tmp_path) as broker, running_system(tmp_path / "system", broker) as system:
        ports = [service.port for service in system.services.values()]
        with scraping(prometheus, tmp_path, ports, impatient(tmp_path)) as watching:
            yield system, watching


async def _fires(watching: Prometheus, *names: str, seconds: float = 200) -> None:
    end, missing = time.monotonic() + seconds, set(names)
    while missing := missing - watching.firing():
        assert time.monotonic() < end, f"{missing} did not fire within {seconds:g} s"
        await asyncio.sleep(1)


async def _rests(watching: Prometheus, *names: str, seconds: float = 150) -> None:
    end = time.monotonic() + seconds
    while still := watching.firing() & set(names):
        assert time.monotonic() < end, f"{still} still fire {seconds:g} s after the cause has gone"
        await asyncio.sleep(1)


async def test_alerts_fire_when_the_thing_itself_is_harmed_and_rest_when_it_is_well(
    harmed: tuple[System, Prometheus],
) -> None:
    system, watching = harmed
    await system.completed(await system.accepted(5))
    await _rests(watching, *every_alert())
    await _strangers(system, watching)
    waiting = await _the_model(system, watching)
    await _a_service(system, watching)
    await _the_database(system, watching)
    await _the_broker(system, watching)
    # Whom the used-up budget sent away asks again after five minutes at most.
    await system.all_in(frozenset({"completed", "failed"}), waiting, seconds=330)
    await _rests(watching, "ModelDown")


async def _strangers(system: System, watching: Prometheus) -> None:
    """Who sends everything twice, who sends nonsense, and who writes to Kafka without our keys."""
    again = charted_order()
    for _ in range(90):
        await system.post(again)
        for _ in range(3):
            await system.post({"no": "order"})
    headers = [("ce_type", b"careplan.order_received.v1"), ("ce_id", b"0193b0c0-0000-7000-8000-000000000001")]
    async with AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap_servers, enable_idempotence=False) as to:
        await to.send_and_wait(ORDERS.name, b"zzz", headers=[*headers, ("encryption-key", b"a key nobody has")])
    await _fires(watching, "DuplicateStorm", "PartnerSendsNonsense", "DeadLetters", "KeyMissing")


async def _the_model(system: System, watching: Prometheus) -> list[str]:
    generator = system.services["generator"]
    await system.model.stop()
    await generator.restart()  # who has never heard an answer knows as well that none comes
    waiting = await system.accepted(5)
    await _fires(watching, "ModelDown")
    await system.model.start()
    system.model.mood = "silent"
    await generator.restart(CAREPLAN_MODEL_TIMEOUT="1", CAREPLAN_MODEL_BREAKER_SECONDS="1")
    waiting += await system.accepted(15)
    await _fires(watching, "PlansGivenUp")
    system.model.mood = "good"
    await generator.restart(CAREPLAN_MODEL_TIMEOUT="20", CAREPLAN_MODEL_BUDGET_USD="0")
    await system.accepted(3)
    await _fires(watching, "BudgetUsedUp")
    del generator.environment["CAREPLAN_MODEL_BUDGET_USD"]
    await generator.restart()
    await _rests(watching, "BudgetUsedUp")
    return waiting


async def _a_service(system: System, watching: Prometheus) -> None:
    await system.services["validation"].process.kill()
    order_ids = await system.accepted(70)
    await _fires(watching, "ServiceDown", "OrdersStandStill")
    await system.services["validation"].start()
    await system.completed(order_ids)
    await _rests(watching, "ServiceDown")


async def _the_database(system: System, watching: Prometheus) -> None:
    system.line.delay = 0.7
    await _many(system, 40)
    await _fires(watching, "OrdersSlow")
    system.line.delay, system.line.cut = 0.0, True
    system.line.reset()
    for _ in range(5):  # a rate sees what grows between two scrapes
        await _many(system, 20)
        await asyncio.sleep(2)
    await _fires(watching, "DatabaseAway", "OrdersRefused")
    system.line.cut = False
    await _rests(watching, "DatabaseAway")


async def _many(system: System, count: int) -> Sequence[object]:
    return await asyncio.gather(*(system.post(charted_order()) for _ in range(count)))


async def _the_broker(system: System, watching: Prometheus) -> None:
    await system.broker.kill()
    order_ids = await system.accepted(20)
    await _fires(watching, "NobodyReads", "RelayBehind", "LoopRestarts")
    await system.broker.start()
    await system.completed(order_ids)
    await _rests(watching, "NobodyReads", "RelayBehind")
