"""A poll is one transaction; what cannot be handled is put aside; only the absent database holds anything up."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from chassis import tables
from chassis.database import Database
from chassis.messaging.consumer import Consumer
from chassis.messaging.dead_letters import DeadLetters, Message
from chassis.telemetry import Tracing
from local.postgres import EmbeddedPostgres
from schemas.event import Event
from schemas.intake import CarePlanRequested, OrderReceived
from tests.support.chassis import RING, an_event, asked_again, codec_of, order_received, until, warned
from tests.support.metrics import value

pytestmark = pytest.mark.anyio


class _Handler:
    """Emits one event for each; raises what `fails_for` holds for its attempt."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fails_for: dict[int, Exception] = {}
        self.batches: list[list[int]] = []

    async def __call__(self, events: Sequence[Event]) -> None:
        attempts = [event.data.attempt for event in events if isinstance(event.data, CarePlanRequested)]
        self.batches.append(attempts)
        async with self.database.transaction() as tx:
            for event in await tx.first_time(events):
                assert isinstance(event.data, CarePlanRequested)
                tx.emit(warned(event.subject, event.data.attempt), event)
                if event.data.attempt in self.fails_for:
                    raise self.fails_for[event.data.attempt]


@pytest.fixture
def handler(validation: Database) -> _Handler:
    return _Handler(validation)


@pytest.fixture
def consumer(validation: Database, handler: _Handler) -> Consumer:
    return _consumer(validation, handler)


def _consumer(database: Database, handler: _Handler) -> Consumer:
    codec = codec_of("validation")
    letters = DeadLetters("validation", database, codec, RING, handler)
    return Consumer("validation", codec, (CarePlanRequested,), handler, letters, Tracing("validation", 1.0, None))


def _messages(*attempts: int) -> list[Message]:
    return [_message(an_event(asked_again(attempt=attempt)), offset) for offset, attempt in enumerate(attempts)]


def _message(event: Event, offset: int = 0) -> Message:
    return Message("careplan.orders", 0, offset, *codec_of("intake").encode(event))


async def _effects(database: Database) -> int:
    async with database.reading() as db:
        return int(await db.fetchval("SELECT count(*) FROM outbox"))


async def test_one_poll_is_one_transaction(consumer: Consumer, handler: _Handler, validation: Database) -> None:
    await consumer.receive(_messages(1, 2, 3))
    assert handler.batches == [[1, 2, 3]]
    assert await _effects(validation) == 3


async def test_the_same_poll_again_has_no_effect(consumer: Consumer, validation: Database) -> None:
    messages = _messages(1, 2, 3)
    for _ in range(3):
        await consumer.receive(messages)
    assert await _effects(validation) == 3


async def test_facts_that_concern_others_and_unknown_types_pass_by(consumer: Consumer, handler: _Handler) -> None:
    other = _message(an_event(order_received()))
    later = Message("careplan.orders", 0, 1, {"ce_type": "careplan.order_received.v9"}, b"whatever")
    await consumer.receive([other, later])
    await consumer.receive([])
    assert handler.batches == []
    assert await consumer.dead_letters.newest() == []
    assert OrderReceived not in consumer.facts


async def test_p7_an_undecodable_message_is_kept_and_the_rest_of_the_batch_goes_on_together(
    consumer: Consumer, handler: _Handler
) -> None:
    good = _messages(1, 2)
    bad = Message("careplan.orders", 0, 9, {"ce_type": "careplan.care_plan_requested.v1"}, b"poison")
    not_ours = Message("careplan.orders", 0, 10, {"ce_type": "careplan.order_received.v1"}, b"poison")
    await consumer.receive([good[0], bad, not_ours, good[1]])
    assert handler.batches == [[1, 2]]
    (letter,) = await consumer.dead_letters.newest()
    assert (letter["offset"], letter["reason"], letter["attempts"]) == (9, "HEADER_MISSING", 1)


async def test_whatever_becomes_of_a_message_the_reader_has_moved_past_it(consumer: Consumer) -> None:
    before = value("careplan_messages_passed_total", service="validation")
    bad = Message("careplan.orders", 0, 9, {"ce_type": "careplan.care_plan_requested.v1"}, b"poison")
    not_ours = Message("careplan.orders", 0, 10, {"ce_type": "careplan.order_received.v1"}, b"poison")
    await consumer.receive([*_messages(1), bad, not_ours])
    assert value("careplan_messages_passed_total", service="validation") == before + 3


async def test_p7_a_failing_batch_falls_back_to_one_by_one_and_only_the_poison_is_kept(
    consumer: Consumer, handler: _Handler, validation: Database
) -> None:
    handler.fails_for = {2: ValueError("Ana Bell")}
    await consumer.receive(_messages(1, 2, 3))
    assert handler.batches == [[1, 2, 3], [1], [2], [2], [2], [3]]
    assert await _effects(validation) == 2
    (letter,) = await consumer.dead_letters.newest()
    assert (letter["offset"], letter["reason"], letter["attempts"]) == (1, "ValueError", 3)


async def test_what_fails_twice_alone_and_then_works_is_no_dead_letter(
    consumer: Consumer, handler: _Handler, validation: Database
) -> None:
    failures = [ValueError() for _ in range(3)]  # of the batch, then twice alone

    async def passes_in_the_end(events: Sequence[Event]) -> None:
        if failures:
            raise failures.pop()
        await handler(events)

    object.__setattr__(consumer, "handle", passes_in_the_end)
    await consumer.receive(_messages(1))
    assert await _effects(validation) == 1
    assert await consumer.dead_letters.newest() == []


@pytest.mark.parametrize("collision", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError])
async def test_a_collision_runs_the_whole_batch_again_and_counts_as_no_attempt(
    consumer: Consumer, handler: _Handler, validation: Database, collision: type[Exception]
) -> None:
    left = 6

    async def collides(events: Sequence[Event]) -> None:
        nonlocal left
        left -= 1
        if left:
            raise collision("deadlock")
        await handler(events)

    object.__setattr__(consumer, "handle", collides)
    await consumer.receive(_messages(1, 2))
    assert handler.batches == [[1, 2]]
    assert await _effects(validation) == 2
    assert await consumer.dead_letters.newest() == []


@pytest.fixture
async def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(Path(tmp_path_factory.mktemp("own")))
    yield server
    await server.wipe()


async def _with_tables(server: EmbeddedPostgres) -> Database:
    connection = await asyncpg.connect(server.url)
    await connection.execute("CREATE SCHEMA validation; SET search_path = validation")
    for script in (tables.OUTBOX_TABLE, tables.INBOX_TABLE, tables.DEAD_LETTERS_TABLE):
        await connection.execute(script)
    await connection.close()
    return Database(server.url, codec_of("validation"))


async def test_an_absent_database_holds_the_partition_and_afterwards_it_goes_on(
    own_postgres: EmbeddedPostgres,
) -> None:
    async with own_postgres:
        database = await _with_tables(own_postgres)
        handler = _Handler(database)
        consumer = _consumer(database, handler)
        await consumer.receive(_messages(1))
        await own_postgres.kill()
        receiving = asyncio.create_task(consumer.receive(_messages(2, 3)))
        await until(lambda: len(handler.batches) >= 3)
        assert not receiving.done()
        await own_postgres.start()
        await asyncio.wait_for(receiving, 40)
        assert await _effects(database) == 3
        assert await consumer.dead_letters.newest() == []
        await database.close()


async def test_an_undecodable_message_waits_for_an_absent_database_too(own_postgres: EmbeddedPostgres) -> None:
    async with own_postgres:
        database = await _with_tables(own_postgres)
        consumer = _consumer(database, _Handler(database))
        await own_postgres.kill()
        receiving = asyncio.create_task(consumer.receive([Message("t", 0, 0, {}, b"poison")]))
        await asyncio.sleep(0.1)
        assert not receiving.done()
        await own_postgres.start()
        await asyncio.wait_for(receiving, 40)
        assert len(await consumer.dead_letters.newest()) == 1
        await database.close()


async def test_a_paused_database_is_waited_for(own_postgres: EmbeddedPostgres) -> None:
    async with own_postgres:
        database = await _with_tables(own_postgres)
        handler = _Handler(database)
        consumer = _consumer(database, handler)
        await consumer.receive(_messages(1))
        assert own_postgres.pid is not None
        backends = await _backends(own_postgres)
        for process in backends:
            os.kill(process, signal.SIGSTOP)
        try:
            receiving = asyncio.create_task(consumer.receive(_messages(2)))
            await asyncio.sleep(0.3)
            assert not receiving.done()
        finally:
            for process in backends:
                os.kill(process, signal.SIGCONT)
        await asyncio.wait_for(receiving, 40)
        assert await _effects(database) == 2
        await database.close()


async def _backends(server: EmbeddedPostgres) -> list[int]:
    connection = await asyncpg.connect(server.url)
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
        )
        return [row["pid"] for row in rows]
    finally:
        await connection.close()
