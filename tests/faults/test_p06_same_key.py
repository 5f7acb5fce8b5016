"""P6: the same Idempotency-Key is safe to repeat at any moment, also while intake is being killed: one order a key."""

import asyncio
import random

import pytest

from tests.support.system import System, charted_order, only_embedded

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), only_embedded]


async def test_p6_a_key_repeated_while_intake_is_killed_is_one_order(system: System) -> None:
    chance = random.Random(6)
    for number in range(6):
        order, key = charted_order(), f"p6 {number}"
        asking = [asyncio.create_task(system.insist(order, key)) for _ in range(10)]
        await asyncio.sleep(chance.uniform(0, 0.1))
        await system.services["intake"].process.kill()
        await system.revive()
        assert len(set(await asyncio.gather(*asking))) == 1
        rows = await system.query(
            "SELECT count(*) AS n FROM intake.orders WHERE order_body->'patient'->>'mrn' = $1", order["patient"]["mrn"]
        )
        assert rows[0]["n"] == 1
