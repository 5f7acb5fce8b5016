"""Alerts fire when the real thing is harmed: services as processes, their model, database and broker taken away in turn.

The rules are the project's own; only `for` is a second and five minutes are one, so that nobody waits for the night. What takes
hours or a full disk to come true is shown by promtool alone (alerts_test.yml): PartnersNotTold, CostSpike, PlansLate,
ModelSlow, ConsumerBehind, ConsumerStuck, MemoryHigh and DatabaseFull.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import ORDERS
from tests.support.prometheus import Prometheus, every_alert, impatient, scraping
from tests.support.system import System, charted_order, embedded_broker, running_system

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.fixture
async def harmed(tmp_path: Path, prometheus: str) -> AsyncIterator[tuple[System, Prometheus]]:
    async with embedded_broker(tmp_path) as broker, running_system(tmp_path / "system", broker) as system:
        ports = [service.port for service in system.services.values()]
        with scraping(prometheus, tmp_path, ports, impatient(tmp_path)) as watching:
            yield system, watching


async def _fires(
    watching: Prometheus, *names: str, while_: Callable[[], Awaitable[object]] | None = None, seconds: float = 400
) -> None:
    """`while_` is done again and again until all of them fire: a rate wants something between any two scrapes."""
    end, missing = time.monotonic() + seconds, set(names)
    while missing := missing - watching.firing():
        assert time.monotonic() < end, f"{missing} did not fire within {seconds:g} s"
        if while_:
            await while_()
        await asyncio.sleep(1)


async def _rests(watching: Prometheus, *names: str, seconds: float = 400) -> None:
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
    await _the_model(system, watching)
    await _the_budget(system, watching)
    await _the_database(system, watching)
    await _a_service_then_the_broker(system, watching)


async def _strangers(system: System, watching: Prometheus) -> None:
    """Who sends everything twice, who sends nonsense, and who writes to Kafka without our keys."""
    again = charted_order()

    async def twice_and_nonsense() -> None:
        posts = [*(system.post(again) for _ in range(10)), *(system.post({"no": "order"}) for _ in range(30))]
        await asyncio.gather(*posts)

    headers = [("ce_type", b"careplan.order_received.v1"), ("ce_id", b"0193b0c0-0000-7000-8000-000000000001")]
    async with AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap_servers, enable_idempotence=False) as to:
        await to.send_and_wait(ORDERS.name, b"zzz", headers=[*headers, ("encryption-key", b"a key nobody has")])
    names = ("DuplicateStorm", "PartnerSendsNonsense", "DeadLetters", "KeyMissing")
    await _fires(watching, *names, while_=twice_and_nonsense)


async def _the_model(system: System, watching: Prometheus) -> None:
    await system.model.stop()
    # Who has never heard an answer knows as well that none comes.
    await system.services["generator"].restart()
    waiting = await system.accepted(5)
    await _fires(watching, "ModelDown")
    await system.model.start()
    system.model.mood = "nonsense"
    waiting += await system.accepted(10)
    await _fires(watching, "PlansGivenUp")
    system.model.mood = "good"
    await system.all_in(frozenset({"completed", "failed"}), waiting, seconds=400)
    await _rests(watching, "ModelDown")


async def _the_budget(system: System, watching: Prometheus) -> None:
    generator = system.services["generator"]
    await generator.restart(CAREPLAN_MODEL_BUDGET_USD="0")
    await system.accepted(3)  # they ask again after five minutes: nobody here waits for them
    await _fires(watching, "BudgetUsedUp")
    del generator.environment["CAREPLAN_MODEL_BUDGET_USD"]
    await generator.restart()
    await _rests(watching, "BudgetUsedUp")


async def _the_database(system: System, watching: Prometheus) -> None:
    async def orders() -> None:
        await asyncio.gather(*(system.post(charted_order()) for _ in range(20)))

    system.line.delay = 0.7
    await _fires(watching, "OrdersSlow", while_=orders)
    system.line.delay, system.line.cut = 0.0, True
    system.line.reset()
    await _fires(watching, "DatabaseAway", "OrdersRefused", "LoopRestarts", while_=orders)
    system.line.cut = False
    await _rests(watching, "DatabaseAway", "OrdersRefused")


async def _a_service_then_the_broker(system: System, watching: Prometheus) -> None:
    """Orders that validation never reads are sent again after half a minute, and now nobody takes them."""
    await system.services["validation"].process.kill()
    order_ids = await system.accepted(60)
    await _fires(watching, "ServiceDown", "OrdersStandStill")
    await system.broker.kill()
    order_ids += await system.accepted(20)
    await _fires(watching, "RelayBehind", "NobodyReads")
    await system.broker.start()
    await system.services["validation"].start()
    await system.completed(order_ids, seconds=400)
    await _rests(watching, "ServiceDown", "RelayBehind", "NobodyReads")
