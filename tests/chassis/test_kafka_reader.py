"""Reading: offsets are committed only after everything of a poll had its effect."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.protocol.fetch import FetchRequest

from chassis.messaging import kafka, lag
from chassis.messaging.codec import LARGEST_MESSAGE
from chassis.messaging.dead_letters import Message
from chassis.messaging.kafka import Reader, ReaderStandsStill, ensure_topics, producer
from chassis.messaging.nudges import Nudges
from schemas.topics import ORDERS, group_of
from tests.support.chassis import settings_for, stops_when_told, until
from tests.support.kafka import Broker

pytestmark = pytest.mark.anyio

Receive = Callable[[Sequence[Message]], Awaitable[None]]


def _reader(broker: Broker, receive: Receive, stopping: asyncio.Event | None = None, **more: object) -> Reader:
    return Reader(settings_for(broker), "readers", (ORDERS,), receive, stopping or asyncio.Event(), **more)  # type: ignore[arg-type]


async def _send(broker: Broker, *values: bytes, headers: list[tuple[str, bytes | None]] | None = None) -> None:
    await ensure_topics(settings_for(broker), [ORDERS])
    async with producer(settings_for(broker)) as sender:
        for value in values:
            await sender.send_and_wait(ORDERS.name, value, key=b"one order", headers=headers or [])


@asynccontextmanager
async def _running(reader: Reader) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(reader.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_sent_before_the_groups_first_start_is_read_in_order(broker: Broker) -> None:
    await _send(broker, b"1", b"2", b"3")
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    async with _running(_reader(broker, receive)):
        await until(lambda: len(seen) == 3)
    assert seen == [b"1", b"2", b"3"]


async def test_what_was_not_received_to_the_end_is_read_again_and_what_was_is_not(broker: Broker) -> None:
    await _send(broker, b"1", b"2")
    began = asyncio.Event()
    seen: list[bytes | None] = []

    async def dies(_: Sequence[Message]) -> None:
        began.set()
        await asyncio.Event().wait()

    async with _running(_reader(broker, dies)):
        await asyncio.wait_for(began.wait(), 60)

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    stopping = asyncio.Event()
    async with _running(_reader(broker, receive, stopping)) as running:
        await until(lambda: len(seen) == 2)
        stopping.set()
        await asyncio.wait_for(running, 60)
    await _send(broker, b"3")
    async with _running(_reader(broker, receive)):
        await until(lambda: len(seen) == 3)
    assert seen == [b"1", b"2", b"3"]


async def test_many_polls_share_a_commit_and_the_last_is_committed_before_stopping(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "_COMMIT_EVERY_SECONDS", 600.0)
    committed: list[object] = []
    commit = AIOKafkaConsumer.commit

    async def counted(self: AIOKafkaConsumer, offsets: object) -> None:
        await commit(self, offsets)
        if self._group_id == group_of("readers"):  # a system that tests share may run in this process, too
            committed.append(offsets)

    monkeypatch.setattr(AIOKafkaConsumer, "commit", counted)
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    stopping = asyncio.Event()
    async with _running(_reader(broker, receive, stopping)) as running:
        for value in (b"alone", b"with others 1", b"with others 2", b"with others 3"):
            await _send(broker, value)
            await until(lambda value=value: value in seen, 60)  # type: ignore[misc]
        stopping.set()
        await asyncio.wait_for(running, 60)
    assert len(committed) == 2
    await _send(broker, b"later")
    async with _running(_reader(broker, receive)):
        await until(lambda: b"later" in seen, 60)
    assert seen.count(b"with others 3") == 1


async def test_a_poll_whose_handling_raises_commits_nothing(broker: Broker) -> None:
    await _send(broker, b"1")

    async def fails(_: Sequence[Message]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(_reader(broker, fails).run(), 60)
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    async with _running(_reader(broker, receive)):
        await until(lambda: seen == [b"1"], 60)


async def test_a_poll_that_takes_longer_than_the_session_and_many_that_find_nothing_do_no_harm(broker: Broker) -> None:
    await _send(broker, b"1")
    seen: list[bytes | None] = []

    async def slowly(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)
        await asyncio.sleep(2)  # twice the session

    async with _running(_reader(broker, slowly)) as running:
        await until(lambda: seen == [b"1"], 60)
        await asyncio.sleep(5)  # the rest of the first poll, and some that find nothing
        await _send(broker, b"2")
        await until(lambda: seen == [b"1", b"2"], 60)
        assert not running.done()


@pytest.mark.parametrize("embedded", [True, False])
async def test_no_client_commits_by_itself_or_begins_at_the_end(broker: Broker, embedded: bool) -> None:
    async def receive(_: Sequence[Message]) -> None: ...

    settings = settings_for(broker, KAFKA_EMBEDDED=embedded)
    consumer = Reader(settings, "readers", (ORDERS,), receive, asyncio.Event())._consumer()
    assert consumer._enable_auto_commit is False
    assert consumer._auto_offset_reset == "earliest"


def test_every_service_reads_through_the_one_reader() -> None:
    """What is set right here is set right everywhere: nobody else makes a consumer of a group."""
    project = Path(__file__).parents[2]
    makers = {
        str(file.relative_to(project))
        for room in ("chassis", "services", "local")
        for file in (project / room).rglob("*.py")
        if re.search(r"(?<!class )(AIOKafkaConsumer|PatientConsumer)\(", file.read_text())
    }
    assert makers == {"chassis/messaging/kafka.py"}


@pytest.mark.parametrize("embedded", [True, False])
async def test_a_member_that_joined_while_a_topic_was_missing_finds_it_within_seconds(
    broker: Broker, embedded: bool
) -> None:
    """After a wipe it may join before the topics are there again, and has no partition then: it has to look, and often."""

    async def receive(_: Sequence[Message]) -> None: ...

    settings = settings_for(broker, KAFKA_EMBEDDED=embedded)
    consumer = Reader(settings, "readers", (ORDERS,), receive, asyncio.Event())._consumer()
    assert consumer._client._metadata_max_age_ms <= 15_000


async def test_stopping_lets_the_poll_in_hand_finish(broker: Broker) -> None:
    await _send(broker, b"1")
    began, go_on, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished: list[Message] = []

    async def receive(messages: Sequence[Message]) -> None:
        began.set()
        await go_on.wait()
        finished.extend(messages)

    async with _running(_reader(broker, receive, stopping)) as running:
        await asyncio.wait_for(began.wait(), 60)
        stopping.set()
        go_on.set()
        await asyncio.wait_for(running, 60)
    assert len(finished) == 1


@pytest.mark.parametrize("steps", range(6))
async def test_a_loop_that_is_told_to_stop_in_the_moment_of_a_commit_stops(steps: int) -> None:
    answered = asyncio.Event()

    class _Consumer:
        async def commit(self, _: object) -> None:
            await answered.wait()

    async def loop() -> None:
        while True:
            answered.clear()
            await kafka._Offsets(_Consumer(), {}, {TopicPartition(ORDERS.name, 0): 1}).commit()

    assert await stops_when_told(loop(), answered, steps)


async def test_a_reader_that_is_cancelled_during_a_commit_lets_it_end() -> None:
    under_way, answered, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class _Consumer:
        async def commit(self, _: object) -> None:
            under_way.set()
            await answered.wait()
            ended.set()

    committing = asyncio.create_task(kafka._Offsets(_Consumer(), {}, {TopicPartition(ORDERS.name, 0): 1}).commit())
    await under_way.wait()
    committing.cancel()
    await asyncio.sleep(0.05)
    assert not committing.done()
    answered.set()
    await asyncio.wait([committing], timeout=30)
    assert committing.cancelled()
    assert ended.is_set()


async def test_p7_headers_of_any_bytes_and_of_none_reach_the_one_who_decides(broker: Broker) -> None:
    await _send(broker, b"1", headers=[("ce_type", b"\xff\x00"), ("empty", None)])
    seen: list[Message] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(messages)

    async with _running(_reader(broker, receive)):
        await until(lambda: seen)
    assert seen[0].headers["ce_type"] == "\xff\x00"
    assert seen[0].headers["empty"] == ""


async def test_a_reader_is_woken_by_the_relay_of_its_process(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.messaging.nudges._LOOKS_FOR_SAFETY", (600.0, 600.0, 1.0))
    nudges = Nudges()
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    async with _running(_reader(broker, receive, nudges=nudges, wakes=["careplan.order_received.v1"])):
        for value in (b"told of once", b"told of twice"):
            await _send(broker, value)
            nudges.tell(["careplan.order_received.v1"])
            await until(lambda value=value: value in seen, 60)  # type: ignore[misc]


async def test_a_reader_to_whom_nothing_comes_although_there_is_something_gives_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that has lost its group does not say so: it waits for ever. A new one reads on."""
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    class _Known(Reader):
        def _consumer(self) -> AIOKafkaConsumer:
            self.consumer = super()._consumer()
            return self.consumer

    await _send(broker, b"1")
    reader = _Known(settings_for(broker), "readers", (ORDERS,), receive, asyncio.Event())
    async with _running(reader) as task:
        await until(lambda: len(seen) == 1)
        monkeypatch.setattr(kafka, "_STANDS_STILL_SECONDS", 1.0)
        reader.consumer.pause(*reader.consumer.assignment())
        await _send(broker, b"2")
        with pytest.raises(ReaderStandsStill):
            await asyncio.wait_for(task, 60)
    monkeypatch.undo()
    async with _running(_reader(broker, receive)):
        await until(lambda: seen == [b"1", b"2"], 60)


async def test_p9_a_reader_that_is_stopped_while_the_broker_is_away_is_not_taken_for_cancelled(broker: Broker) -> None:
    """Aiokafka cancels a fetch that failed a moment ago, and lets that out of `stop`: whoever runs it would be gone for good."""
    await _send(broker, b"1")
    stopping, came = asyncio.Event(), asyncio.Event()

    async def receive(_: Sequence[Message]) -> None:
        came.set()

    async with _running(_reader(broker, receive, stopping)) as task:
        await until(came.is_set)
        await broker.kill()
        try:
            await asyncio.sleep(1)  # fetches fail, one after the other
            stopping.set()
            await asyncio.wait([task], timeout=75)
            assert task.done(), task.get_stack()
            assert not task.cancelled()
        finally:
            await broker.start()


class _NeverLetsGo(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    async def on_partitions_revoked(self, revoked: object) -> None:
        if revoked:
            await asyncio.Event().wait()

    async def on_partitions_assigned(self, assigned: object) -> None: ...


async def test_a_reader_whom_its_group_does_not_take_in_gives_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts it starts it anew, and logs that; waiting for ever looks like there were nothing to read."""
    monkeypatch.setattr(kafka, "_JOIN_SECONDS", 0.0)
    monkeypatch.setattr(kafka, "_STOP_SECONDS", 0.5)
    await ensure_topics(settings_for(broker), [ORDERS])
    other = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers, group_id=group_of("readers"))
    other.subscribe([ORDERS.name], listener=_NeverLetsGo())

    async def receive(_: Sequence[Message]) -> None: ...

    await other.start()
    try:
        async with _running(_reader(broker, receive)) as task:
            with pytest.raises(ReaderStandsStill):
                await asyncio.wait_for(task, 60)
    finally:
        stop = asyncio.create_task(other.stop())
        await asyncio.wait([stop], timeout=2)
        stop.cancel()


async def _handled_by_the_readers(broker: Broker, offset: int) -> None:
    """Commits for the group of the readers, in every partition."""
    places = {TopicPartition(ORDERS.name, number): offset for number in range(3)}
    group = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap_servers, group_id=group_of("readers"), enable_auto_commit=False
    )
    await group.start()
    group.assign(list(places))
    await group.commit(places)
    await group.stop()


async def test_p1_a_reader_ahead_of_a_partition_that_was_set_back_begins_it_anew(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded broker may count a partition anew, and says nothing to who is ahead of it."""
    monkeypatch.setattr(lag, "_EVERY_SECONDS", 0.5)
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    values = [b"%d" % number for number in range(20)]
    await _send(broker, *values)
    await _handled_by_the_readers(broker, 79)
    async with _running(_reader(broker, receive)):
        await until(lambda: len(seen) >= 20, 60)
        await _send(broker, b"later")
        await until(lambda: len(seen) >= 21)
    assert seen == [*values, b"later"], "once set back, it goes on as ever"


async def test_a_reader_in_step_with_great_batches_reads_nothing_twice(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked where a partition ends, the embedded broker names the beginning of its last batch."""
    monkeypatch.setattr(lag, "_EVERY_SECONDS", 0.05)
    seen: list[bytes | None] = []

    async def receive(messages: Sequence[Message]) -> None:
        seen.extend(message.value for message in messages)

    await ensure_topics(settings_for(broker), [ORDERS])
    async with _running(_reader(broker, receive)), producer(settings_for(broker)) as sender:
        for batch in range(1, 11):
            sent = [await sender.send(ORDERS.name, b"%d" % number, key=b"one order") for number in range(200)]
            await asyncio.gather(*sent)
            await until(lambda so_far=batch * 200: len(seen) >= so_far, 60)  # type: ignore[misc]
            await asyncio.sleep(0.2)
    assert len(seen) == 2000


async def test_a_log_of_thousands_of_small_batches_is_read_without_being_told_of_each(broker: Broker) -> None:
    """The embedded broker looks through all of them for each fetch, and answers with nothing where its time is up before."""
    batches = 3000
    seen: set[bytes | None] = set()
    await _send(broker, *(b"%d" % number for number in range(batches)))

    async def receive(messages: Sequence[Message]) -> None:
        seen.update(message.value for message in messages)

    async with _running(_reader(broker, receive)):
        await until(lambda: len(seen) == batches, 240)


async def test_a_reader_that_is_gone_is_told_no_more() -> None:
    nudges = Nudges()
    for _ in range(100):
        nudges.listen([ORDERS.name], asyncio.Event())
    kept = nudges.listen([ORDERS.name], asyncio.Event())
    assert len(nudges._listeners[ORDERS.name]) == 1
    nudges.tell([ORDERS.name, "nobody reads this"])
    assert kept.is_set()


def test_the_place_to_wait_before_a_fetch_is_still_there_in_aiokafka() -> None:
    assert callable(Fetcher._proc_fetch_request)
    assert "_proc_fetch_request" in Fetcher._fetch_requests_routine.__code__.co_names
    assert "_records" in Fetcher._get_actions_per_node.__code__.co_names
    assert isinstance(FetchRequest.topics, property)
    assert "_max_wait_ms" in FetchRequest.build.__code__.co_names


def test_the_place_to_see_a_connection_begin_is_still_there_in_aiokafka() -> None:
    assert "ready" in AIOKafkaClient.send.__code__.co_names
    assert "_get_conn" in AIOKafkaClient.ready.__code__.co_names


async def test_topics_are_made_with_their_partitions_once(broker: Broker) -> None:
    settings = settings_for(broker, KAFKA_PARTITIONS=5)
    await ensure_topics(settings, [ORDERS])
    await ensure_topics(settings, [ORDERS])
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    partitions: list[object] = []

    async def are_known() -> bool:  # a broker of Kafka hears of a new topic a moment after its maker
        (described,) = await admin.describe_topics([ORDERS.name])
        partitions[:] = described["partitions"]
        return bool(partitions)

    await until(are_known)
    await admin.close()
    assert len(partitions) == 5


async def test_a_broker_that_is_away_is_said_and_leaves_nothing_open(
    broker: Broker, recwarn: pytest.WarningsRecorder
) -> None:
    await broker.kill()

    async def receive(_: Sequence[Message]) -> None: ...

    with pytest.raises(Exception, match=r"bootstrap|connect"):
        await _reader(broker, receive).run()
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]


async def test_a_message_of_the_largest_size_passes(broker: Broker) -> None:
    await _send(broker, b"x" * (LARGEST_MESSAGE - 64 * 1024))
    async with AIOKafkaConsumer(
        ORDERS.name, bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest",
        max_partition_fetch_bytes=LARGEST_MESSAGE,
    ) as reader:  # fmt: skip
        assert len((await asyncio.wait_for(reader.getone(), 60)).value) == LARGEST_MESSAGE - 64 * 1024
