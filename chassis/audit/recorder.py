"""Reads, refusals and whatever else no transaction told of: noted when the answer begins, written in batches.

A row is written half a second later at most, and at SIGTERM before the service ends. `kill -9` may lose that half second
of reads; never a change, whose row commits with it. While the database is away rows wait here, and there is little to
see; once too many wait, requests are answered 503: nothing is shown that is not noted.
"""

import asyncio
from datetime import UTC, datetime

from chassis.audit.entry import Entry, Row
from chassis.audit.table import write_rows
from chassis.database import OUTAGES, Database
from chassis.telemetry import log

_MOST_WAITING = 20_000
_WRITE_EVERY_SECONDS = 0.5
_A_BATCH = 1_000


class Recorder:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Row] = []

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= _MOST_WAITING

    def note(self, entry: Entry, outcome: int) -> None:
        """Unless it is written already, or not to be noted at all."""
        if not entry.written and entry.wanted:
            self._waiting.append(entry.row(datetime.now(UTC), outcome))

    async def flush(self) -> None:
        """Rows leave the list only when they are durable. One task at a time calls this."""
        while batch := self._waiting[:_A_BATCH]:
            async with self._database.reading() as db:
                await write_rows(db.connection, batch)
            del self._waiting[: len(batch)]

    async def run(self) -> None:
        while True:
            await self.flush()
            await asyncio.sleep(_WRITE_EVERY_SECONDS)

    async def close(self) -> None:
        """The last rows, when no request is left. What cannot be written even now is counted where operators look."""
        try:
            async with asyncio.timeout(5):
                await self.flush()
        except OUTAGES as error:
            log.error("audit.rows_lost", rows=len(self._waiting), exc=error)
