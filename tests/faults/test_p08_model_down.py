"""P8: while the model refuses, intake still answers quickly, nothing is given up because of it, and all drains afterwards."""

import asyncio
import time

import pytest

from tests.support.system import System, chart_of, charted_order, only_embedded

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), only_embedded]

_ORDERS = 40


@pytest.mark.parametrize("mood", ["refused", "busy", "broken"])
async def test_p8_a_model_that_is_down_delays_plans_and_nothing_else(system: System, mood: str) -> None:
    if mood == "refused":
        await system.model.stop()
    else:
        system.model.mood = mood  # type: ignore[assignment] # parametrized
    orders = [charted_order() for _ in range(_ORDERS)]
    charts = [chart_of(order) for order in orders]
    order_ids, seconds = [], []
    for order in orders:
        began = time.monotonic()
        answer = await system.post(order)
        seconds.append(time.monotonic() - began)
        assert answer is not None
        assert answer.status_code == 202
        order_ids.append(answer.json()["order_id"])
    assert max(seconds) < 10, "nobody waits for the model, which has twenty seconds"
    await system.all_in(frozenset({"processing"}), order_ids)
    await asyncio.sleep(8)
    assert {(await system.show(order_id))["status"] for order_id in order_ids} == {"processing"}
    assert system.model.billed_for(charts) == [0] * _ORDERS
    await system.healthy()
    await system.completed(order_ids)
    assert system.model.billed_for(charts) == [1] * _ORDERS
