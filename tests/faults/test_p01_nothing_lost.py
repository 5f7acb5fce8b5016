"""P1: an order answered 202 is never lost, whatever is killed: 0 of 300 lost, all terminal within 180 s of healing."""

import asyncio

import pytest

from tests.support.system import System, charted_order

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

_ORDERS = 300
_PEOPLE = 8


async def _wipe_the_broker(system: System) -> None:
    await system.broker.kill()
    await system.broker.wipe()
    await system.broker.start()


async def _kill_everything(system: System) -> None:
    await asyncio.gather(system.kill(), system.broker.kill(), system.postgres.kill())
    await system.healthy()


async def _one_after_the_other(system: System) -> None:
    for service in system.services.values():
        await service.process.kill()
        await asyncio.sleep(0.5)
        await system.revive()
    await system.broker.kill()
    await system.broker.start()
    await system.postgres.kill()
    await asyncio.sleep(0.5)
    await system.postgres.start()
    await _wipe_the_broker(system)
    await _kill_everything(system)
    await _wipe_the_broker(system)


async def test_p1_of_300_orders_none_is_lost_while_everything_is_killed_in_turn_and_at_once(system: System) -> None:
    waiting = asyncio.Queue[int]()
    for number in range(_ORDERS):
        waiting.put_nowait(number)
    order_ids: dict[int, str] = {}
    done = asyncio.Event()

    async def somebody() -> None:
        while not waiting.empty():
            number = waiting.get_nowait()
            order_ids[number] = await system.insist(charted_order(), f"p1 {system.broker.bootstrap_servers} {number}")
            if not done.is_set():
                await asyncio.sleep(1)  # so that there is somebody who orders during every fault

    people = [asyncio.create_task(somebody()) for _ in range(_PEOPLE)]
    await _one_after_the_other(system)
    done.set()
    await asyncio.gather(*people)
    assert len(set(order_ids.values())) == _ORDERS
    shown = await system.completed(list(order_ids.values()), seconds=180)
    assert len(shown) == _ORDERS
