"""Tells everybody who watches the list of orders what changed, whichever replica took it in.

Taking in only puts an id into a set. A few times a second the ids gathered meanwhile are announced through PostgreSQL,
outside of any order's transaction, and a process that has watchers reads those orders once for all of them. Where
nobody watches nothing listens.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from chassis.database import Database
from services.reporting import storage
from services.reporting.domain.views import shown_order

_CHANNEL = "reporting_orders"
_GATHER_SECONDS = 0.25
_MOST_NAMED = 150
"""More are announced without names: PostgreSQL carries 8000 bytes."""
_MOST_BEHIND = 20

Change = str | None
"""The changed orders as JSON; None where a watcher has to look at everything anew."""


@dataclass
class LiveList:
    database: Database
    database_url: str
    _changed: set[UUID] = field(default_factory=set)
    _is_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _watchers: set[asyncio.Queue[Change]] = field(default_factory=set)
    _is_watched: asyncio.Event = field(default_factory=asyncio.Event)
    _is_listening: bool = False

    def tell(self, order_ids: Iterable[UUID]) -> None:
        self._changed.update(order_ids)
        self._is_changed.set()

    async def announce(self) -> None:
        """For ever: names what changed, in one notification for all of a quarter second."""
        while True:
            await self._is_changed.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._is_changed.clear()
            named, self._changed = self._changed, set()
            payload = ",".join(map(str, named)) if len(named) <= _MOST_NAMED else ""
            try:
                async with self.database.reading() as db:
                    await db.execute("SELECT pg_notify($1, $2)", _CHANNEL, payload)
            except BaseException:
                self.tell(named)
                raise

    async def listen(self) -> None:
        """For ever: a connection of its own while somebody watches. Raises where it is lost, and is started again."""
        while True:
            await self._is_watched.wait()
            connection = await asyncpg.connect(self.database_url, timeout=5)
            heard: asyncio.Queue[Change] = asyncio.Queue()
            try:
                connection.add_termination_listener(lambda _, heard=heard: heard.put_nowait(None))
                await connection.add_listener(_CHANNEL, lambda *call, heard=heard: heard.put_nowait(str(call[3])))
                self._is_listening = True
                self._pass_on(None)  # what changed before we listened
                while self._watchers and not connection.is_closed():
                    await self._hear(heard)
            finally:
                self._is_listening = False
                await connection.close(timeout=2)

    async def _hear(self, heard: asyncio.Queue[Change]) -> None:
        """Waits for the next announcement, a while at most: the last watcher may have gone."""
        try:
            async with asyncio.timeout(5):
                announced = await heard.get()
        except TimeoutError:
            return
        self._pass_on(await self._read([UUID(name) for name in announced.split(",")]) if announced else None)

    async def _read(self, order_ids: list[UUID]) -> str:
        async with self.database.reading() as db:
            rows = await storage.orders_by_id(db, order_ids)
        return json.dumps({"items": [shown_order(row, for_partner=False) for row in rows]}, ensure_ascii=False)

    def _pass_on(self, change: Change) -> None:
        for watcher in self._watchers:
            if watcher.qsize() < _MOST_BEHIND:
                watcher.put_nowait(change)
                continue
            # Somebody reads too slowly: instead of all they missed, they look anew.
            while not watcher.empty():
                watcher.get_nowait()
            watcher.put_nowait(None)

    async def watch(self, seconds: float) -> AsyncIterator[Change]:
        """Every change from now on, for `seconds`. First of all None, once nothing more can be missed."""
        changes: asyncio.Queue[Change] = asyncio.Queue()
        self._watchers.add(changes)
        self._is_watched.set()
        if self._is_listening:
            changes.put_nowait(None)
        end = asyncio.get_running_loop().time() + seconds
        try:
            while (rest := end - asyncio.get_running_loop().time()) > 0:
                async with asyncio.timeout(rest):
                    change = await changes.get()
                yield change
        except TimeoutError:
            return
        finally:
            self._watchers.discard(changes)
            if not self._watchers:
                self._is_watched.clear()
