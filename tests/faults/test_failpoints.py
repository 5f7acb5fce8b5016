"""Every boundary, broken in every way, in a running system: nothing is lost, nothing is done twice."""

import asyncio
from contextlib import suppress

import pytest

from tests.support.system import System, chart_of, charted_order, failpoint

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

_ORDERS = 12
_ARMED = {
    "commit": ("intake", "validation", "generator", "reporting", "notification"),
    "publish": ("intake", "validation", "generator"),
    "ack": ("intake", "validation", "generator", "reporting", "notification"),
    "model": ("generator",),
    "answer": ("generator",),
}
_PASSES = {"commit": 4, "publish": 2, "ack": 1, "model": 5, "answer": 5}


@pytest.mark.parametrize("action", ["kill", "raise", "sleep"])
@pytest.mark.parametrize("place", list(_ARMED))
async def test_a_boundary_that_breaks_loses_nothing_and_does_nothing_twice(
    system: System, place: str, action: str
) -> None:
    armed = [system.services[name] for name in _ARMED[place]]
    await asyncio.gather(*(service.process.kill() for service in armed))
    before = [service.log.stat().st_size for service in armed]
    await asyncio.gather(*(service.start(**failpoint(place, action, _PASSES[place])) for service in armed))

    async def supervise() -> None:
        while True:
            await asyncio.sleep(0.2)
            await system.revive()

    supervisor = asyncio.create_task(supervise())
    orders = [charted_order() for _ in range(_ORDERS)]
    keys = [f"{place} {action} {system.broker.bootstrap_servers} {number}" for number in range(_ORDERS)]
    try:
        order_ids = [await system.insist(order, key) for order, key in zip(orders, keys, strict=True)]
        shown = await system.completed(order_ids)
    finally:
        supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await supervisor
    struck = [
        service.name for service, size in zip(armed, before, strict=True)
        if b"failpoint.strikes" in service.log.read_bytes()[size:]
    ]  # fmt: skip
    assert "generator" in struck, f"only {struck} were struck"
    assert {order["careplan"]["version"] for order in shown} == {1}
    assert all(system.model.billed[chart_of(order)] <= 2 for order in orders), "one crash costs one call"
    rows = await system.query(
        "SELECT order_id, count(*) AS n FROM generator.careplans WHERE order_id = ANY($1::uuid[]) GROUP BY 1", order_ids
    )
    assert [row["n"] for row in rows] == [1] * _ORDERS
