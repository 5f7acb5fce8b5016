"""Alerts fire when the real thing is harmed: services as processes, their model, database and broker taken away in turn.

The rules are the project's own; only `for` is a second and some times are a minute (`impatient`), so that nobody waits for
the night. What comes slowly stands in test_alerts_fire_slowly.py.
"""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import ORDERS
from tests.support.prometheus import Prometheus, every_alert
from tests.support.system import System, charted_order

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


async def test_alerts_fire_when_the_thing_itself_is_harmed_and_rest_when_it_is_well(
    harmed: tuple[System, Prometheus],
) -> None:
    system, watching = harmed
    await system.completed(await system.accepted(5))
    await watching.rests(*every_alert())
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
    await watching.fires(*names, while_=twice_and_nonsense)


async def _the_model(system: System, watching: Prometheus) -> None:
    await system.model.stop()
    # Who has never heard an answer knows as well that none comes.
    await system.services["generator"].restart()
    waiting = await system.accepted(5)
    await watching.fires("ModelDown")
    await system.model.start()
    system.model.mood = "nonsense"
    waiting += await system.accepted(10)
    await watching.fires("PlansGivenUp")
    system.model.mood = "good"
    await system.all_in(frozenset({"completed", "failed"}), waiting, seconds=400)
    await watching.rests("ModelDown")


async def _the_budget(system: System, watching: Prometheus) -> None:
    generator = system.services["generator"]
    await generator.restart(CAREPLAN_MODEL_BUDGET_USD="0")
    await system.accepted(3)  # they ask again after five minutes: nobody here waits for them
    await watching.fires("BudgetUsedUp")
    del generator.environment["CAREPLAN_MODEL_BUDGET_USD"]
    await generator.restart()
    await watching.rests("BudgetUsedUp")


async def _the_database(system: System, watching: Prometheus) -> None:
    async def orders() -> None:
        await asyncio.gather(*(system.post(charted_order()) for _ in range(20)))

    system.line.delay = 0.7
    await watching.fires("OrdersSlow", while_=orders)
    system.line.delay, system.line.cut = 0.0, True
    system.line.reset()
    await watching.fires("DatabaseAway", "OrdersRefused", "LoopRestarts", while_=orders)
    system.line.cut = False
    await watching.rests("DatabaseAway", "OrdersRefused")


async def _a_service_then_the_broker(system: System, watching: Prometheus) -> None:
    """Orders that validation never reads are sent again after half a minute, and now nobody takes them."""
    await system.services["validation"].process.kill()
    order_ids = await system.accepted(60)
    await watching.fires("ServiceDown", "OrdersStandStill")
    await system.broker.kill()
    order_ids += await system.accepted(20)
    await watching.fires("RelayBehind", "NobodyReads")
    await system.broker.start()
    await system.services["validation"].start()
    await system.completed(order_ids, seconds=400)
    await watching.rests("ServiceDown", "RelayBehind", "NobodyReads")
