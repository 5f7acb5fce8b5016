"""State and its events commit together, and what was handled has no effect again."""

import asyncio
import os
import time
from base64 import b64encode

import asyncpg
import pytest

from chassis.database import OUTAGES, Database
from chassis.messaging.codec import LARGEST_MESSAGE
from schemas.event import Event
from tests.support.chassis import an_event, asked_again, codec_of, order_received, warned
from tests.support.metrics import value
from tests.support.processes import ends

pytestmark = pytest.mark.anyio

_LETTER = "INSERT INTO idempotency (caller, path, key, fingerprint) VALUES ('a', 'b', $1, '')"


async def _count(database: Database, table: str, condition: str = "true") -> int:
    async with database.reading() as db:
        return int(await db.fetchval(f"SELECT count(*) FROM {table} WHERE {condition}"))


async def test_state_and_events_are_committed_together(intake: Database) -> None:
    async with intake.transaction() as tx:
        await tx.execute(_LETTER, "k")
        event = tx.emit(asked_again())
    async with intake.reading() as db:
        row = await db.fetchrow("SELECT event_id, topic, subject, sent_at FROM outbox")
    assert row is not None
    assert tuple(row) == (event.id, "careplan.orders", event.subject, None)
    assert await _count(intake, "idempotency") == 1


async def test_an_error_takes_back_state_and_events_together(intake: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with intake.transaction() as tx:
            await tx.execute(_LETTER, "k")
            tx.emit(asked_again())
            raise ZeroDivisionError
    assert await _count(intake, "idempotency") == 0
    assert await _count(intake, "outbox") == 0
    assert not intake.outbox_filled.is_set()


async def test_a_statement_that_fails_at_the_end_takes_back_everything(intake: Database) -> None:
    with pytest.raises(Exception, match="duplicate key"):
        async with intake.transaction() as tx:
            tx.emit(asked_again())
            await tx.execute(_LETTER, "k")
            await tx.execute(_LETTER, "k")
    assert await _count(intake, "outbox") == 0


async def test_the_relay_is_woken_only_by_a_commit_with_events(intake: Database) -> None:
    async with intake.transaction() as tx:
        await tx.execute(_LETTER, "k")
    assert not intake.outbox_filled.is_set()
    async with intake.transaction() as tx:
        tx.emit(asked_again())
        assert not intake.outbox_filled.is_set()
    assert intake.outbox_filled.is_set()


async def test_events_keep_the_order_in_which_they_were_emitted(intake: Database) -> None:
    async with intake.transaction() as tx:
        emitted = [tx.emit(asked_again(attempt=n)).id for n in range(20)]
    async with intake.reading() as db:
        assert [row["event_id"] for row in await db.fetch("SELECT event_id FROM outbox ORDER BY id")] == emitted


async def test_an_emitted_event_carries_its_cause_and_the_causes_trace(validation: Database) -> None:
    cause = an_event(trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    async with validation.transaction() as tx:
        event = tx.emit(warned(), cause)
    assert (event.cause, event.trace, event.source) == (cause.id, cause.trace, "validation")


async def test_a_service_emits_on_its_own_topics_only(intake: Database) -> None:
    with pytest.raises(TypeError, match="belongs to validation, not to intake"):
        async with intake.transaction() as tx:
            tx.emit(warned())
    assert await _count(intake, "outbox") == 0


async def test_an_event_too_large_for_kafka_fails_its_own_transaction_and_blocks_no_outbox(intake: Database) -> None:
    noise = b64encode(os.urandom(LARGEST_MESSAGE * 5 // 4)).decode()
    with pytest.raises(ValueError, match="too large"):
        async with intake.transaction() as tx:
            tx.emit(order_received(patient_records=noise))


async def test_an_event_emitted_outside_of_a_transaction_is_refused_not_lost(intake: Database) -> None:
    with pytest.raises(RuntimeError, match="no transaction"):
        async with intake.reading() as db:
            db.emit(asked_again())


async def test_what_is_read_in_a_snapshot_is_of_one_moment(intake: Database) -> None:
    async with intake.snapshot() as db:
        before = await db.fetchval("SELECT count(*) FROM idempotency")
        async with intake.transaction() as tx:
            await tx.execute(_LETTER, "k")
        assert await db.fetchval("SELECT count(*) FROM idempotency") == before
    assert await _count(intake, "idempotency") == before + 1


async def test_a_snapshot_writes_nothing(intake: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with intake.snapshot() as db:
            await db.execute(_LETTER, "k")


async def test_what_is_delivered_twice_is_new_once(validation: Database) -> None:
    first, second = an_event(), an_event()
    async with validation.transaction() as tx:
        assert await tx.first_time([first, second, first]) == [first, second]
    third = an_event()
    async with validation.transaction() as tx:
        assert await tx.first_time([second, third, first]) == [third]
    async with validation.transaction() as tx:
        assert await tx.first_time([]) == []


async def test_what_failed_is_new_again(validation: Database) -> None:
    event = an_event()
    with pytest.raises(ZeroDivisionError):
        async with validation.transaction() as tx:
            assert await tx.first_time([event]) == [event]
            raise ZeroDivisionError
    async with validation.transaction() as tx:
        assert await tx.first_time([event]) == [event]


async def test_the_same_events_in_two_members_at_once_are_new_to_one(validation: Database) -> None:
    events = [an_event() for _ in range(30)]

    async def handle(delivered: list[Event]) -> int:
        async with validation.transaction() as tx:
            return len(await tx.first_time(delivered))

    handled = await asyncio.gather(*(handle(events[::direction]) for direction in (1, -1, 1, -1, 1)))
    assert sorted(handled) == [0, 0, 0, 0, 30]


async def test_a_duplicate_marks_what_it_caused_unsent_and_nothing_else(validation: Database) -> None:
    cause, other = an_event(), an_event()
    async with validation.transaction() as tx:
        await tx.first_time([cause, other])
        caused = tx.emit(warned(), cause)
        tx.emit(warned(), other)
    async with validation.transaction() as tx:
        await tx.execute("UPDATE outbox SET sent_at = now()")
    async with validation.transaction() as tx:
        assert await tx.first_time([cause]) == []
    async with validation.reading() as db:
        unsent = await db.fetch("SELECT event_id FROM outbox WHERE sent_at IS NULL")
    assert [row["event_id"] for row in unsent] == [caused.id]


async def test_what_still_arrives_is_remembered_on(validation: Database) -> None:
    event = an_event()
    async with validation.transaction() as tx:
        await tx.first_time([event])
        await tx.execute("UPDATE inbox SET received_at = now() - interval '59 days'")
    async with validation.transaction() as tx:
        await tx.first_time([event])
    assert await _count(validation, "inbox", "received_at > now() - interval '1 minute'") == 1


@pytest.mark.parametrize("value", [2**40, "ten", None], ids=["too large", "another type", "none"])
async def test_a_value_that_does_not_fit_is_a_defect_not_an_outage(intake: Database, value: object) -> None:
    with pytest.raises(Exception) as raised:
        async with intake.transaction() as tx:
            await tx.execute(
                "INSERT INTO idempotency (caller, path, key, fingerprint, status) VALUES ('a', 'b', 'c', $1, $2)",
                b"" if value is not None else None,
                value,
            )
    assert not isinstance(raised.value, OUTAGES)


@pytest.mark.parametrize("turns", range(6))
async def test_a_session_that_ends_while_it_is_being_used_is_an_outage(intake: Database, turns: int) -> None:
    """Between the word of its end and the end itself asyncpg has errors of its own."""
    async with intake.reading() as db:
        own = await db.fetchval("SELECT pg_backend_pid()")
        async with intake.reading() as other:
            await other.execute("SELECT pg_terminate_backend($1)", own)
        assert ends(own)
        time.sleep(0.02)  # both have arrived, and the loop has seen neither
        for _ in range(turns):
            await asyncio.sleep(0)
        with pytest.raises(OUTAGES):
            await db.fetchval("SELECT 1")


async def test_whoever_meets_an_outage_counts_it_once(intake: Database) -> None:
    """A request, too: while a disk is full no event comes that a loop could handle."""
    full = {"service": "intake", "error": "DiskFullError"}
    before = value("careplan_database_outages_total", **full)
    with pytest.raises(asyncpg.DiskFullError):
        async with intake.transaction() as tx:
            await tx.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$")
    assert value("careplan_database_outages_total", **full) == before + 1


async def test_a_service_starts_while_its_database_is_away() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", codec_of("intake"))
    assert not await away.is_ready()
    with pytest.raises(OUTAGES):
        async with away.transaction():
            pass
    await away.close()


async def test_each_service_sees_its_own_schema_only(intake: Database) -> None:
    with pytest.raises(Exception, match="permission denied"):
        async with intake.reading() as db:
            await db.fetch("SELECT * FROM validation.inbox")
