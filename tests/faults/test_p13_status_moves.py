"""P13: a status moves only as the contract says, whatever happens meanwhile."""

import asyncio
from itertools import pairwise

import httpx2
import pytest

from tests.support.system import TERMINAL, System, charted_order

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

_MOVES = {
    ("pending", "processing"), ("pending", "needs_confirmation"), ("pending", "rejected"),
    ("needs_confirmation", "pending"), ("needs_confirmation", "processing"), ("needs_confirmation", "rejected"),
    ("processing", "completed"), ("processing", "failed"), ("failed", "processing"),
}  # fmt: skip
_BETWEEN = {("pending", "completed"), ("pending", "failed"), ("needs_confirmation", "completed")}
"""Two moves at once, to somebody who looks now and then; the timeline has both."""


async def _watch(system: System, order_id: str) -> list[str]:
    """Every status that somebody saw who looked all the time, each change once, to the end."""
    seen: list[str] = []
    while not seen or seen[-1] not in TERMINAL:
        status = (await system.show(order_id)).get("status")
        if isinstance(status, str) and status != (seen or [""])[-1]:
            seen.append(status)
        await asyncio.sleep(0.02)
    return seen


async def _confirm(system: System, order_id: str) -> None:
    while (await system.show(order_id)).get("status") != "needs_confirmation":
        await asyncio.sleep(0.1)
    while True:
        try:
            answer = await system.at("intake").post(f"/api/orders/{order_id}/confirm")
        except httpx2.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code in (202, 409):
            return
        await asyncio.sleep(0.2)


async def test_p13_statuses_move_forward_only_while_everybody_is_killed(system: System) -> None:
    first = charted_order()
    again = {**charted_order(), "patient": first["patient"], "provider": first["provider"], "order_date": "2026-02-06"}
    answer = await system.post(first)
    assert answer is not None
    await system.completed([answer.json()["order_id"]])
    order_ids = await system.accepted(10)
    warned = await system.post(again)
    assert warned is not None
    warned_id = warned.json()["order_id"]
    watching = [asyncio.create_task(_watch(system, order_id)) for order_id in (*order_ids, warned_id)]
    confirming = asyncio.create_task(_confirm(system, warned_id))
    for name in ("validation", "generator", "intake"):
        await system.services[name].process.kill()
        await system.revive()
    await system.broker.kill()
    await system.broker.wipe()
    await system.broker.start()
    order_ids += await system.accepted(5)
    async with asyncio.timeout(180):
        await confirming
        histories = await asyncio.gather(*watching)
    assert "needs_confirmation" in histories[-1]
    for history in histories:
        assert set(pairwise(history)) <= _MOVES | _BETWEEN, history
    for order_id in (*order_ids, warned_id):
        (shown,) = await system.completed([order_id])
        timeline = [step["status"] for step in shown["timeline"]]
        assert set(pairwise(timeline)) <= _MOVES, timeline
