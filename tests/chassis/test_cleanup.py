"""What may be forgotten is, and what may not is kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.cleanup import Cleanup
from chassis.database import Database
from chassis.ids import first_id_of, new_id
from schemas.intake import AccessRevoked
from tests.support.chassis import an_event, asked_again

pytestmark = pytest.mark.anyio


async def _count(database: Database, table: str) -> int:
    async with database.reading() as db:
        return int(await db.fetchval(f"SELECT count(*) FROM {table}"))


async def _emitted(database: Database, fact: object = None, *, written: float, sent: float | None) -> UUID:
    """An event written and last sent so many days ago."""
    async with database.transaction() as tx:
        event = tx.emit(fact or asked_again())  # type: ignore[arg-type]
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE outbox SET created_at = now() - $2::interval, sent_at = now() - $3::interval WHERE event_id = $1",
            event.id,
            timedelta(days=written),
            None if sent is None else timedelta(days=sent),
        )
    return event.id


async def test_events_go_a_while_after_they_were_last_sent(intake: Database) -> None:
    await _emitted(intake, written=30, sent=7.1)
    kept = {
        await _emitted(intake, written=30, sent=6.9),
        await _emitted(intake, written=30, sent=None),
        await _emitted(intake, AccessRevoked(order_id=new_id()), written=30, sent=30),
        await _emitted(intake, written=1, sent=1),
    }
    await Cleanup(intake, 7).run()
    async with intake.reading() as db:
        assert {row["event_id"] for row in await db.fetch("SELECT event_id FROM outbox")} == kept


async def test_many_old_events_go_in_pages(intake: Database) -> None:
    async with intake.transaction() as tx:
        await tx.execute(
            "INSERT INTO outbox (event_id, topic, subject, headers, value, created_at, sent_at) "
            "SELECT uuidv7(), 'careplan.orders', uuidv7(), '', '', now() - interval '9 d', now() - interval '9 d' "
            "FROM generate_series(1, 4500)"
        )
    kept = await _emitted(intake, written=0, sent=0)
    await Cleanup(intake, 7).run()
    async with intake.reading() as db:
        assert [row["event_id"] for row in await db.fetch("SELECT event_id FROM outbox")] == [kept]


async def test_the_inbox_forgets_what_was_not_seen_for_sixty_days(intake: Database) -> None:
    def made(days_ago: float) -> UUID:
        return UUID(int=first_id_of(datetime.now(UTC) - timedelta(days=days_ago)).int + new_id().int % 2**60)

    async with intake.transaction() as tx:
        for event_id, days in [(made(61), 61), (kept := made(61), 59), (young := made(1), 1), (also := made(59), 61)]:
            await tx.execute(
                "INSERT INTO inbox (event_id, received_at) VALUES ($1, now() - $2::interval)",
                event_id,
                timedelta(days=days),
            )
    await Cleanup(intake, 7).run()
    async with intake.reading() as db:
        assert {row["event_id"] for row in await db.fetch("SELECT event_id FROM inbox")} == {kept, young, also}


async def test_answers_are_remembered_for_thirty_days(intake: Database) -> None:
    async with intake.transaction() as tx:
        for key, days in [("old", 31), ("young", 29)]:
            await tx.execute(
                "INSERT INTO idempotency (caller, path, key, fingerprint, created_at) "
                "VALUES ('a', 'b', $1, '', now() - $2::interval)",
                key,
                timedelta(days=days),
            )
    await Cleanup(intake, 7).run()
    async with intake.reading() as db:
        assert [row["key"] for row in await db.fetch("SELECT key FROM idempotency")] == ["young"]


async def test_nothing_to_forget_is_no_failure(generator: Database) -> None:
    await Cleanup(generator, 7).run()
    assert await _count(generator, "outbox") == 0


def test_ids_sort_by_the_moment_they_were_made_at() -> None:
    before = first_id_of(datetime.now(UTC))
    assert before < an_event().id
    assert an_event().id < first_id_of(datetime.now(UTC) + timedelta(seconds=1))
