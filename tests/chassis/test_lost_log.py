"""P1: a broker that forgets loses nothing. What it had is sent again, and only then."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.database import Database
from chassis.messaging.kafka import administrator, ensure_topics, onlooker, producer
from chassis.messaging.lost_log import Log, LostLog, Partition, send_again_what_was_lost, sent_up_to
from chassis.messaging.nudges import Nudges
from chassis.messaging.outbox import Relay
from local.broker import EmbeddedBroker
from schemas.topics import ACCESS, ORDERS, Topic, group_of
from tests.support.chassis import asked_again, everything_on, settings_for
from tests.support.kafka import Broker

pytestmark = pytest.mark.anyio

_MINE = [ORDERS, ACCESS]


@asynccontextmanager
async def _connected(database: Database, broker: Broker) -> AsyncIterator[tuple[Relay, LostLog]]:
    settings = settings_for(broker)
    await ensure_topics(settings, _MINE)
    async with producer(settings) as sender, onlooker(settings) as consumer, administrator(settings) as admin:
        relay = Relay(database, sender, Nudges())
        async with database.reading() as db:
            relay._highest = await sent_up_to(db)
        lost_log = LostLog(database, consumer, admin, _MINE)
        await _sees_its_topics(lost_log)
        yield relay, lost_log


async def _sees_its_topics(lost_log: LostLog) -> None:
    """A broker of Kafka hears of a new topic a moment after its maker; until then a check says that it is gone."""
    async with asyncio.timeout(30):
        while True:
            try:
                await lost_log._places()
            except LookupError:
                await asyncio.sleep(0.05)
            else:
                return


async def _emit(database: Database, count: int) -> None:
    async with database.transaction() as tx:
        for _ in range(count):
            tx.emit(asked_again())


async def _unsent(database: Database) -> int:
    async with database.reading() as db:
        return int(await db.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))


async def _forget_everything(broker: Broker) -> None:
    await broker.kill()
    await broker.wipe()
    await broker.start()


async def test_while_the_broker_keeps_its_log_nothing_is_sent_again(intake: Database, broker: Broker) -> None:
    async with _connected(intake, broker) as (relay, lost_log):
        assert await lost_log.check() == 0
        for _ in range(3):
            await _emit(intake, 10)
            await relay.send_waiting()
            assert await lost_log.check() == 0
    async with _connected(intake, broker) as (relay, lost_log):
        await _emit(intake, 1)
        await relay.send_waiting()
        assert await lost_log.check() == 0
    assert await _unsent(intake) == 0


async def test_p1_what_a_wiped_broker_had_is_sent_again_completed_orders_included(
    intake: Database, broker: Broker
) -> None:
    async with _connected(intake, broker) as (relay, _):
        await _emit(intake, 30)
        await relay.send_waiting()
    await _forget_everything(broker)
    async with _connected(intake, broker) as (relay, lost_log):
        assert await lost_log.check() == 30
        assert intake.outbox_filled.is_set()
        assert await relay.send_waiting() == 30
        assert len(await everything_on(broker, ORDERS.name)) == 30
        assert await lost_log.check() == 0


async def _handled_by(broker: Broker, readers: Sequence[str], up_to: Sequence[int]) -> None:
    """Commits for each reader's group, as the reader does once everything below had its effect."""
    offsets = {TopicPartition(ORDERS.name, number): offset for number, offset in enumerate(up_to)}
    for reader in readers:
        group = AIOKafkaConsumer(
            bootstrap_servers=broker.bootstrap_servers, group_id=group_of(reader), enable_auto_commit=False
        )
        await group.start()
        group.assign(list(offsets))
        await group.commit(offsets)
        await group.stop()


async def _ends(database: Database) -> list[int]:
    async with database.reading() as db:
        highest = await sent_up_to(db)
    return [highest.get((ORDERS.name, number), -1) + 1 for number in range(3)]


async def test_p1_of_a_lost_log_only_that_is_sent_again_which_some_reader_may_not_have_handled(
    intake: Database, broker: Broker
) -> None:
    async with _connected(intake, broker) as (relay, lost_log):
        await _emit(intake, 300)
        await relay.send_waiting()
        await relay.send_waiting()
        ends = await _ends(intake)
        *most, last = ORDERS.readers
        await _handled_by(broker, most, ends)
        await lost_log.check()
        await _handled_by(broker, [last], [end - 2 for end in ends])
        await lost_log.check()
    async with intake.transaction() as tx:  # an hour later
        await tx.execute("UPDATE outbox SET sent_at = sent_at - interval '1 hour'")
        await tx.execute("UPDATE outbox_sent SET began_at = began_at - interval '1 hour'")
    await _forget_everything(broker)
    async with _connected(intake, broker) as (relay, lost_log):
        assert await lost_log.check() == 6, "two of each partition"
        assert await relay.send_waiting() == 6
        assert await lost_log.check() == 0
    await _forget_everything(broker)
    async with _connected(intake, broker) as (relay, lost_log):
        assert await lost_log.check() == 6, (
            "nobody has read the new log yet, and the old one's offsets are not this one's"
        )


async def test_p1_while_one_reader_has_committed_nothing_everything_is_sent_again(
    intake: Database, broker: Broker
) -> None:
    async with _connected(intake, broker) as (relay, lost_log):
        await _emit(intake, 30)
        await relay.send_waiting()
        await _handled_by(broker, ORDERS.readers[:-1], await _ends(intake))
        await lost_log.check()
    await _forget_everything(broker)
    async with _connected(intake, broker) as (_, lost_log):
        assert await lost_log.check() == 30


async def test_p1_a_note_about_the_old_log_says_nothing_of_the_new_one(intake: Database, broker: Broker) -> None:
    """Between our question and our note the broker may lose its log, and a relay may have begun to count anew."""
    async with _connected(intake, broker) as (relay, lost_log):
        await _emit(intake, 30)
        await relay.send_waiting()
        await _handled_by(broker, ORDERS.readers, await _ends(intake))
        asked = lost_log._handled_by_all

        async def loses_its_log_meanwhile(topic: Topic, places: Mapping[Partition, Log]) -> dict[Partition, int]:
            answer = await asked(topic, places)
            async with intake.transaction() as tx:
                await tx.execute("UPDATE outbox_sent SET began_at = now()")
            return answer

        lost_log._handled_by_all = loses_its_log_meanwhile  # type: ignore[method-assign]
        await lost_log.check()
    await _forget_everything(broker)
    async with _connected(intake, broker) as (_, lost_log):
        assert await lost_log.check() == 30


async def test_p1_a_wiped_broker_is_noticed_also_when_new_events_have_passed_the_old_end(
    intake: Database, broker: Broker
) -> None:
    async with _connected(intake, broker) as (relay, _):
        await _emit(intake, 6)
        await relay.send_waiting()
    await _forget_everything(broker)
    async with _connected(intake, broker) as (relay, lost_log):
        await _emit(intake, 120)  # so many that each partition is longer than it was
        assert await relay.send_waiting() == 120
        assert await lost_log.check() == 0
        assert await relay.send_waiting() == 6
        assert len(await everything_on(broker, ORDERS.name)) == 126


async def test_only_partitions_that_lost_something_are_sent_again(intake: Database, broker: Broker) -> None:
    async with _connected(intake, broker) as (relay, _):
        await _emit(intake, 60)
        await relay.send_waiting()
    async with intake.transaction() as tx:
        kept = await sent_up_to(tx)
        (place, highest), *others = kept.items()
        nexts = {place: highest} | {other: offset + 1 for other, offset in others}
        again = await send_again_what_was_lost(tx, nexts)
        assert again == highest + 1
        assert await send_again_what_was_lost(tx, nexts) == 0, "noticed once"
    assert await _unsent(intake) == again


async def test_a_topic_that_is_gone_is_said_so_that_it_is_made_first(intake: Database, broker: Broker) -> None:
    async with _connected(intake, broker) as (_, lost_log):
        await _forget_everything(broker)
        with pytest.raises(Exception):  # noqa: B017 - the connection is gone, or the topic is
            async with asyncio.timeout(8):
                await lost_log.check()


async def test_fewer_partitions_than_before_count_as_lost(intake: Database, broker: Broker) -> None:
    async with _connected(intake, broker) as (relay, lost_log):
        await _emit(intake, 5)
        await relay.send_waiting()
        async with intake.transaction() as tx:
            await tx.execute("UPDATE outbox SET partition = 9 WHERE id = (SELECT min(id) FROM outbox)")
            await tx.execute("INSERT INTO outbox_sent (topic, partition, highest) VALUES ('careplan.orders', 9, 0)")
        assert await lost_log.check() == 1


async def test_p1_after_a_wipe_the_broker_keeps_what_it_acknowledges_to_old_and_new_producers_alike(
    either_broker: Broker,
) -> None:
    """An idempotent producer from before the wipe would share its id with one from after it."""
    settings = settings_for(either_broker)
    await ensure_topics(settings, _MINE)
    async with producer(settings) as old:
        sent = [await old.send_and_wait(ORDERS.name, b"before", partition=0)]
        await _forget_everything(either_broker)
        await ensure_topics(settings, _MINE)
        async with producer(settings) as new:
            for sender in (old, new, old, new):
                sent += [await sender.send_and_wait(ORDERS.name, b"after", partition=0) for _ in range(3)]
    assert [record.offset for record in sent] == [0, *range(12)]


async def test_p1_a_producer_from_before_a_restart_sends_nothing_to_topics_that_are_not_there_yet() -> None:
    """The embedded broker would take it, and give the same offsets out again once somebody makes the topics."""
    async with EmbeddedBroker() as embedded:
        settings = settings_for(embedded)
        await ensure_topics(settings, _MINE)
        async with producer(settings) as sender:
            await sender.send_and_wait(ORDERS.name, b"before", partition=0)
            await _forget_everything(embedded)
            sent = [await sender.send_and_wait(ORDERS.name, b"after", partition=0) for _ in range(5)]
            await ensure_topics(settings, _MINE)
            sent += [await sender.send_and_wait(ORDERS.name, b"after", partition=0) for _ in range(5)]
    assert [record.offset for record in sent] == list(range(10))
