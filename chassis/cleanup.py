"""What a service may forget after a while, so that its tables do not grow for ever.

Events are kept `keep_sent_days` after they were *last sent*, not after they were written. That keeps them for as long as
an order needs them without anybody here knowing orders: the reconciler has the last event of an order that does not move
sent again at least once a day, a reader that knows it has what it caused sent again, and so on down the line, and each
sending starts the days anew. Once the order rests, nothing is sent, and its events go. Facts on a topic that is kept for
ever stay for ever.

Revocations are forgotten a day after their token has ended by itself.

The inbox remembers 60 days longer than an event was last seen, far longer than any outbox can bring it again.
Ids in it are UUIDv7, which sort by time: old ones are found by the primary key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chassis.database import Database
from chassis.ids import first_id_of
from chassis.telemetry import log
from schemas.topics import ALL

_INBOX_DAYS = 60
_IDEMPOTENCY_DAYS = 30
_PAGE = 2000

_OUTBOX_PAGE = """
SELECT max(id) AS last, max(created_at) AS newest
FROM (SELECT id, created_at FROM outbox WHERE id > $1 ORDER BY id LIMIT $2) AS page
"""
_FORGET_SENT = "DELETE FROM outbox WHERE id > $1 AND id <= $2 AND sent_at < $3 AND topic <> ALL($4::text[])"
_FORGET_HANDLED = """
DELETE FROM inbox WHERE event_id IN (
    SELECT event_id FROM inbox WHERE event_id < $1 AND received_at < $2 ORDER BY event_id LIMIT $3)
"""
_FORGET_REVOKED = """
DELETE FROM revoked WHERE ctid IN (SELECT ctid FROM revoked WHERE until < $1 LIMIT $2)
"""
_FORGET_ANSWERS = """
DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency WHERE created_at < $1 LIMIT $2)
"""


@dataclass(frozen=True)
class Cleanup:
    """Deletes in small transactions, oldest first."""

    database: Database
    keep_sent_days: float

    async def run(self) -> None:
        now = datetime.now(UTC)
        events = await self._forget_sent(now - timedelta(days=self.keep_sent_days))
        long_ago = now - timedelta(days=_INBOX_DAYS)
        handled = await self._in_pages(_FORGET_HANDLED, first_id_of(long_ago), long_ago)
        answers = await self._in_pages(_FORGET_ANSWERS, now - timedelta(days=_IDEMPOTENCY_DAYS))
        await self._in_pages(_FORGET_REVOKED, now - timedelta(days=1))
        if events or handled or answers:
            log.info("cleanup.done", events=events, handled=handled, answers=answers)

    async def _forget_sent(self, before: datetime) -> int:
        """Walks the outbox in its order as far as it is old: it has no index by time, which every event would pay for."""
        for_ever = [topic.name for topic in ALL if topic.keeps_forever]
        deleted, place = 0, 0
        while True:
            async with self.database.transaction() as tx:
                page = await tx.fetchrow(_OUTBOX_PAGE, place, _PAGE)
                if page is None or page["last"] is None:
                    return deleted
                deleted += await tx.execute(_FORGET_SENT, place, page["last"], before, for_ever)
                place = page["last"]
            if page["newest"] > before:
                return deleted

    async def _in_pages(self, statement: str, *arguments: object) -> int:
        deleted = 0
        while True:
            async with self.database.transaction() as tx:
                page = await tx.execute(statement, *arguments, _PAGE)
            deleted += page
            if page < _PAGE:
                return deleted
