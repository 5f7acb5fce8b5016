"""Which credentials are no longer good, known to every request without asking the database.

Intake revokes: its row and AccessRevoked commit together. The others read `careplan.access` into a small table of their
own. Each process keeps its service's table in memory: what another replica or the command line put there it finds two
seconds later, and one that starts has read the table before it answers anybody.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chassis.database import OUTAGES, Database, Transaction
from chassis.errors import Unavailable
from chassis.telemetry import log
from schemas.event import Event
from schemas.intake import AccessRevoked

REVOKED_TABLE = """
CREATE TABLE revoked (
    token_id uuid        PRIMARY KEY,
    since    timestamptz NOT NULL,
    until    timestamptz
);
COMMENT ON COLUMN revoked.until IS 'When the token ends by itself: nobody has to remember it after that'
"""

_LOAD = "SELECT token_id, since, until FROM revoked"
# Of two revocations of one token the earlier counts: a rotation ends it tomorrow, a theft now.
_NOTE = """
INSERT INTO revoked (token_id, since, until)
SELECT token_id, min(since), max(until) FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS t (token_id, since, until)
GROUP BY token_id ORDER BY token_id
ON CONFLICT (token_id) DO UPDATE SET since = least(revoked.since, excluded.since)
"""
_LOOK_AGAIN_SECONDS = 2.0
_FIRST_LOAD_SECONDS = 5.0


@dataclass
class Revocations:
    """One service's memory of what was revoked."""

    database: Database
    _since: dict[UUID, float] = field(default_factory=dict)
    _loaded: bool = False

    def is_revoked(self, token_id: UUID) -> bool:
        """Unavailable before the table was read once: a revoked key must not pass because the database is slow."""
        if not self._loaded:
            raise Unavailable
        since = self._since.get(token_id)
        return since is not None and since <= time.time()

    async def note(self, events: Sequence[Event]) -> None:
        """What `careplan.access` brought: known here from now on."""
        facts = [event.data for event in events if isinstance(event.data, AccessRevoked)]
        async with self.database.transaction() as tx:
            await tx.first_time(events)
            await self.keep(tx, facts)
        self.remember(facts)

    async def keep(self, tx: Transaction, facts: Sequence[AccessRevoked]) -> None:
        live = [fact for fact in facts if fact.expires_at is None or fact.expires_at > tx.now]
        if live:
            since = [fact.since or tx.now for fact in live]
            await tx.execute(_NOTE, [fact.order_id for fact in live], since, [fact.expires_at for fact in live])

    def remember(self, facts: Sequence[AccessRevoked]) -> None:
        """For who has just committed them: this process refuses the tokens at once."""
        now = datetime.now(UTC)
        for fact in facts:
            since = (fact.since or now).timestamp()
            self._since[fact.order_id] = min(since, self._since.get(fact.order_id, since))

    async def load(self) -> None:
        async with self.database.reading() as db:
            rows = await db.fetch(_LOAD)
        ended = time.time()
        self._since |= {row["token_id"]: row["since"].timestamp() for row in rows}
        for row in rows:
            if row["until"] is not None and row["until"].timestamp() < ended:
                self._since.pop(row["token_id"], None)
        self._loaded = True

    async def load_before_serving(self) -> None:
        """A service starts while its database is away, too, and then answers 503 until it has read the table."""
        try:
            async with asyncio.timeout(_FIRST_LOAD_SECONDS):
                await self.load()
        except OUTAGES as error:
            log.warning("revocations.not_loaded", exc=error)

    async def run(self) -> None:
        while True:
            await self.load()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
