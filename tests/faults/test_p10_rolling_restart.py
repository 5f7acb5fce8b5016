"""P10: a rolling restart under load shows no 5xx and loses nothing. Two replicas of intake; who is cut off asks the other."""

import asyncio
from itertools import cycle

import httpx2
import pytest

from tests.support.system import System, charted_order

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


class _People:
    """Order until told to stop, as a gateway would pass it on: an address that does not answer is left for the next."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.stop = asyncio.Event()
        self.order_ids: list[str] = []
        self.server_errors: list[str] = []

    async def order(self, who: int) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            await self._place(f"p10 {self.system.broker.bootstrap_servers} {who} {number}")
            await asyncio.sleep(0.1)

    async def _place(self, key: str) -> None:
        order = charted_order()
        for replica in cycle(("intake", "intake-2")):
            try:
                answer = await self.system.at(replica).post("/api/orders", json=order, headers={"Idempotency-Key": key})
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code >= 500:
                self.server_errors.append(answer.text)
            else:
                self.order_ids.append(answer.json()["order_id"])
            return


async def test_p10_every_service_restarted_in_turn_under_load(system: System) -> None:
    await system.add("intake-2").start()
    people = _People(system)
    ordering = [asyncio.create_task(people.order(who)) for who in range(2)]
    for name in ("intake", "intake-2", "validation", "generator", "reporting", "notification"):
        await system.services[name].restart()
        await asyncio.sleep(0.5)
    people.stop.set()
    await asyncio.gather(*ordering)
    assert people.server_errors == []
    assert len(people.order_ids) > 30
    await system.completed(people.order_ids)
