"""P11: a worker that was paused past its lease cannot overwrite its successor's work."""

import asyncio

import pytest

from tests.support.chassis import until
from tests.support.processes import paused
from tests.support.system import LEASE_SECONDS, System, only_embedded

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), only_embedded]


async def test_p11_a_worker_paused_past_its_lease_changes_nothing_of_its_successors(system: System) -> None:
    system.model.seconds = 15  # long enough that on a busy machine too all are asked before the first is answered
    asked_before = system.model.billed.total()
    order_ids = await system.accepted(10)
    await until(lambda: system.model.billed.total() >= asked_before + 8, 60)
    system.model.seconds = 0.2
    with paused(system.services["generator"].pid):
        await system.add("generator-2").start()
        await system.completed(order_ids)
        before = [await system.show(order_id) for order_id in order_ids]
    await asyncio.sleep(LEASE_SECONDS)
    assert [await system.show(order_id) for order_id in order_ids] == before
    rows = await system.query("SELECT count(*) AS n FROM generator.outbox WHERE subject = ANY($1::uuid[])", order_ids)
    assert rows[0]["n"] == len(order_ids), "each plan was told of once"
