"""The relay sends what was committed, in its order, and forgets nothing that the broker has not answered for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.structs import RecordMetadata

from chassis.database import Database
from chassis.messaging import outbox
from chassis.messaging.kafka import ensure_topics, producer
from chassis.messaging.nudges import Nudges
from chassis.messaging.outbox import Relay
from schemas.event import Event
from schemas.intake import CarePlanRequested
from schemas.topics import ORDERS
from tests.support.chassis import asked_again, codec_of, everything_on, settings_for, until
from tests.support.kafka import Broker
from tests.support.metrics import value

pytestmark = pytest.mark.anyio


class _Broker:
    """A producer's side of one, in memory: `answers` may be held back, `away` makes it fail."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.keys: list[bytes] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.away = False

    async def send(self, topic: str, value: bytes, *, key: bytes, headers: Any) -> "asyncio.Future[RecordMetadata]":
        if self.away:
            raise KafkaError("away")
        self.sent.append(value)
        self.keys.append(key)
        offset = len(self.sent) - 1

        async def answer() -> RecordMetadata:
            await self.answers.wait()
            return RecordMetadata(topic, 0, None, offset, None, None, None)

        return asyncio.ensure_future(answer())


def _relay(database: Database, broker: Any, nudges: Nudges | None = None) -> Relay:
    return Relay(database, broker, nudges or Nudges())


async def _emit(database: Database, count: int = 1) -> list[Event]:
    async with database.transaction() as tx:
        return [tx.emit(asked_again(attempt=number)) for number in range(count)]


async def _unsent(database: Database) -> int:
    async with database.reading() as db:
        return int(await db.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))


@pytest.fixture
def nobody_looks_for_safety(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not woken sleeps longer than any test."""
    monkeypatch.setattr(outbox, "_SAFETY_POLL_SECONDS", 600.0)


async def test_events_are_sent_in_the_order_in_which_they_were_written(intake: Database) -> None:
    events, broker = await _emit(intake, 50), _Broker()
    assert await _relay(intake, broker).send_waiting() == 50
    assert broker.keys == [str(event.subject).encode() for event in events]
    assert await _unsent(intake) == 0
    assert await _relay(intake, broker).send_waiting() == 0


async def test_a_row_is_marked_only_after_the_broker_has_answered(intake: Database) -> None:
    await _emit(intake)
    broker = _Broker()
    broker.answers.clear()
    sending = asyncio.create_task(_relay(intake, broker).send_waiting())
    while not broker.sent:
        await asyncio.sleep(0.005)
    assert await _unsent(intake) == 1
    broker.answers.set()
    assert await sending == 1
    async with intake.reading() as db:
        row = await db.fetchrow('SELECT sent_at, partition, "offset" FROM outbox')
    assert row is not None
    assert row["sent_at"] is not None
    assert (row["partition"], row["offset"]) == (0, 0)


async def test_p9_a_broker_that_is_away_keeps_the_rows(intake: Database) -> None:
    await _emit(intake, 3)
    broker = _Broker()
    broker.away = True
    with pytest.raises(KafkaError):
        await _relay(intake, broker).send_waiting()
    assert await _unsent(intake) == 3
    broker.away = False
    assert await _relay(intake, broker).send_waiting() == 3


async def test_a_broker_that_never_answers_is_no_outage_of_the_database(
    intake: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_SEND_TIMEOUT_SECONDS", 0.05)
    of_the_database = {"service": "intake", "error": "TimeoutError"}
    before = value("careplan_database_outages_total", **of_the_database)
    await _emit(intake)
    broker = _Broker()
    broker.answers.clear()
    with pytest.raises(KafkaTimeoutError):
        await _relay(intake, broker).send_waiting()
    assert value("careplan_database_outages_total", **of_the_database) == before
    assert await _unsent(intake) == 1


async def test_a_relay_that_dies_while_it_waits_for_the_answer_loses_nothing(intake: Database) -> None:
    await _emit(intake, 3)
    broker = _Broker()
    broker.answers.clear()
    dying = asyncio.create_task(_relay(intake, broker).send_waiting())
    while len(broker.sent) < 3:
        await asyncio.sleep(0.005)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    broker.answers.set()
    assert await _relay(intake, broker).send_waiting() == 3


async def test_rows_that_commit_late_are_found(intake: Database) -> None:
    broker = _Broker()
    relay = _relay(intake, broker)
    async with intake.transaction() as slow:
        early = slow.emit(asked_again(attempt=1))
        await slow.write_events()  # has its number now, and is seen by nobody
        slow._emissions.clear()
        await _emit(intake)
        assert await relay.send_waiting() == 1
    assert await relay.send_waiting() == 1
    assert broker.keys[-1] == str(early.subject).encode()


async def test_p12_a_batch_is_bounded_in_bytes_and_the_rest_follows_at_once(
    intake: Database, nobody_looks_for_safety: None
) -> None:
    await _emit(intake, 12)
    async with intake.transaction() as tx:
        await tx.execute("UPDATE outbox SET value = convert_to(repeat('x', 3 * 1024 * 1024), 'UTF8')")
    broker = _Broker()
    assert await _relay(intake, broker).send_waiting() == 3, "the third passes eight MiB"
    running = asyncio.create_task(_relay(intake, broker).run())
    await until(lambda: len(broker.sent) == 12, 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_two_relays_never_send_one_row_twice(intake: Database) -> None:
    await _emit(intake, 500)
    broker = _Broker()
    broker.answers.clear()
    relays = [asyncio.create_task(_relay(intake, broker).send_waiting()) for _ in range(3)]
    while len(broker.sent) < 500:
        await asyncio.sleep(0.005)
    broker.answers.set()
    assert sorted(await asyncio.gather(*relays)) == [100, 200, 200]
    assert len(set(broker.sent)) == len(broker.sent) == 500


async def test_a_commit_wakes_the_relay_and_the_relay_tells_the_readers(
    intake: Database, nobody_looks_for_safety: None
) -> None:
    broker, nudges = _Broker(), Nudges()
    nudge = nudges.listen(["careplan.care_plan_requested.v1"], asyncio.Event())
    running = asyncio.create_task(_relay(intake, broker, nudges).run())
    await asyncio.sleep(0.1)
    await _emit(intake)
    await asyncio.wait_for(nudge.wait(), 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_another_process_left_behind_is_found_without_being_told(intake: Database) -> None:
    await _emit(intake)
    broker = _Broker()
    running = asyncio.create_task(_relay(intake, broker).run())
    await asyncio.sleep(0.1)
    async with intake.transaction() as tx:
        await tx.execute("UPDATE outbox SET sent_at = NULL")
    async with asyncio.timeout(30):
        while len(broker.sent) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def sender(broker: Broker) -> AsyncIterator[AIOKafkaProducer]:
    settings = settings_for(broker)
    await ensure_topics(settings, [ORDERS])
    async with producer(settings) as sender:
        yield sender


async def test_what_arrives_in_kafka_is_what_was_emitted_and_each_orders_events_keep_their_order(
    intake: Database, broker: Broker, sender: AIOKafkaProducer
) -> None:
    order_ids = [(await _emit(intake))[0].subject for _ in range(5)]
    async with intake.transaction() as tx:
        for attempt in range(2, 12):
            for order_id in order_ids:
                tx.emit(asked_again(order_id, attempt))
    assert await _relay(intake, sender).send_waiting() == 55
    attempts: dict[Any, list[int]] = {order_id: [] for order_id in order_ids}
    for record in await everything_on(broker, ORDERS.name):
        event = codec_of("intake").decode({name: value.decode() for name, value in record.headers}, record.value)
        assert event is not None
        assert isinstance(event.data, CarePlanRequested)
        assert record.key == str(event.subject).encode()
        attempts[event.subject].append(event.data.attempt)
    assert all(seen == [0, *range(2, 12)] for seen in attempts.values())


async def test_the_place_that_a_row_remembers_is_the_place_in_kafka(
    intake: Database, broker: Broker, sender: AIOKafkaProducer
) -> None:
    await _emit(intake, 20)
    await _relay(intake, sender).send_waiting()
    async with intake.reading() as db:
        rows = await db.fetch('SELECT subject, partition, "offset" FROM outbox')
    in_kafka = {(r.key.decode(), r.partition, r.offset) for r in await everything_on(broker, ORDERS.name)}
    assert {(str(row["subject"]), row["partition"], row["offset"]) for row in rows} == in_kafka
