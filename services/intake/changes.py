"""Tells who waits for an order that it has changed, whichever replica handled the change.

PostgreSQL notifies every replica once a transaction; a second without word, and the waiter looks for itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from chassis.pacing import is_set_within
from services.intake.storage import CHANGES_CHANNEL

_LOOK_AGAIN_SECONDS = 1.0


@dataclass
class Changes:
    """One listening connection a process."""

    database_url: str
    _waiting: dict[UUID, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))

    async def run(self) -> None:
        """Listens until the connection is lost; raises then, and is started again."""
        lost = asyncio.Event()
        connection = await asyncpg.connect(self.database_url, timeout=5)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANGES_CHANNEL, self._heard)
            self._wake_all()
            await lost.wait()
        finally:
            await connection.close(timeout=2)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if not self._waiting:
            return
        for order_id in map(UUID, str(payload).split(",")):
            for waiter in self._waiting.get(order_id, ()):
                waiter.set()

    def _wake_all(self) -> None:
        for waiters in self._waiting.values():
            for waiter in waiters:
                waiter.set()

    @contextmanager
    def of(self, order_id: UUID) -> Iterator["asyncio.Event"]:
        """Set whenever the order may have changed since it was last cleared."""
        changed = asyncio.Event()
        self._waiting[order_id].add(changed)
        try:
            yield changed
        finally:
            self._waiting[order_id].discard(changed)
            if not self._waiting[order_id]:
                del self._waiting[order_id]

    async def ticks(self, order_id: UUID, seconds: float | None) -> AsyncIterator[None]:
        """One tick at once, one for each change, and one a second: look at the order at each. Ends after `seconds`."""
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        with self.of(order_id) as changed:
            while True:
                changed.clear()
                yield
                pause = _LOOK_AGAIN_SECONDS if end is None else min(_LOOK_AGAIN_SECONDS, end - loop.time())
                if pause <= 0:
                    return
                await is_set_within(changed, pause)
