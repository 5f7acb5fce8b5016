"""P9: the broker is down, or hangs: intake still answers 202, and everything drains afterwards."""

import pytest

from tests.support.system import System, charted_order, hanging

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


async def _answers_while_away(system: System) -> list[str]:
    answers = [await system.post(charted_order()) for _ in range(20)]
    assert [answer.status_code for answer in answers if answer] == [202] * 20
    return [answer.json()["order_id"] for answer in answers if answer]


async def test_p9_intake_takes_orders_while_the_broker_is_dead(system: System) -> None:
    await system.broker.kill()
    order_ids = await _answers_while_away(system)
    await system.broker.start()
    await system.completed(order_ids)


async def test_p9_intake_takes_orders_while_the_broker_hangs(system: System) -> None:
    with hanging(system.broker):
        order_ids = await _answers_while_away(system)
    await system.completed(order_ids)
