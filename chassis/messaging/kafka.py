"""The Kafka client, set so that nothing is lost: explicit topics, manual commits, earliest first, acks from all."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, RebalanceInProgressError, for_code

from chassis import failpoints
from chassis.background import hear, is_told_to_stop
from chassis.messaging.codec import LARGEST_MESSAGE
from chassis.messaging.connection import connection
from chassis.messaging.dead_letters import Message
from chassis.messaging.lag import Lag
from chassis.messaging.nudges import Nudges, PatientConsumer
from chassis.pacing import pause_after
from chassis.settings import ServiceSettings
from chassis.telemetry import log
from schemas.topics import ALL, Topic, group_of

_LARGEST_POLL_RECORDS = 200
_POLL_MS = 1000
_STANDS_STILL_SECONDS = 30.0
_JOIN_SECONDS = 30.0
"""Beyond two sessions: so long a group may wait for a member that died, and for one that came in its place and died."""
_COMMIT_EVERY_SECONDS = 0.2
_COMMIT_SECONDS = 20.0
_COMMIT_UNDER_WAY_SECONDS = 2.0
_STOP_SECONDS = 10.0
_GATHERED_BYTES = 1024 * 1024
_LOOK_FOR_TOPICS_MS = 10_000
_TOPIC_EXISTS = 36


def producer(settings: ServiceSettings) -> AIOKafkaProducer:
    """Not idempotent: a broker that lost its disks gives the same producer id twice, and then takes the one's events for
    the other's, answers, and drops them. What is sent twice the readers' inbox knows (docs/decisions/0008).
    """
    kind = partial(_TopicsFirst, settings) if settings.kafka_embedded else AIOKafkaProducer
    return kind(
        **connection(settings),
        acks="all",
        enable_idempotence=False,
        max_request_size=LARGEST_MESSAGE,
        max_batch_size=256 * 1024,
        request_timeout_ms=15_000,
        retry_backoff_ms=100,
    )


class _TopicsFirst(AIOKafkaProducer):  # type: ignore[misc] # aiokafka has no types
    """Sends nothing over a new connection before the topics are there.

    After a restart the embedded broker takes what is sent to a topic that it no longer has, and when the topic is made then,
    gives its offsets out a second time. Apache Kafka refuses. aiokafka has no public place to see a connection begin; a
    test holds this name to the pinned version.
    """

    def __init__(self, settings: ServiceSettings, **more: Any) -> None:
        super().__init__(**more)
        self._settings = settings
        self._connected = self.client._get_conn  # noqa: SLF001 (see above)
        self.client._get_conn = self._connected_and_topics_made  # noqa: SLF001 (see above)
        self._checked: Any = None

    async def _connected_and_topics_made(self, *node: Any, **more: Any) -> Any:
        line = await self._connected(*node, **more)
        if line is not None and line is not self._checked:
            try:
                await ensure_topics(self._settings, ALL)
            except KafkaError:
                return None  # as where there is no connection: it is tried again
            if not line.connected():
                return None  # another broker may be there by now
            self._checked = line
        return line


async def ensure_topics(settings: ServiceSettings, topics: Sequence[Topic]) -> None:
    """Creates what is missing. A topic that a client creates by asking for it would have one partition.

    Where somebody else makes the topics, we may not: then one that is missing is refused, and asked for again.
    """
    async with administrator(settings) as admin:
        there = set(await admin.list_topics())
        for topic in (topic for topic in topics if topic.name not in there):
            answer = await admin.create_topics([_new_topic(topic, settings)])
            for name, code, *_ in answer.topic_errors:
                if code not in (0, _TOPIC_EXISTS):
                    raise for_code(code)(f"topic {name} was not created")


@asynccontextmanager
async def administrator(settings: ServiceSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def onlooker(settings: ServiceSettings) -> AIOKafkaConsumer:
    """A client of no group that reads nothing: it asks where partitions end."""
    return AIOKafkaConsumer(**connection(settings), request_timeout_ms=5_000)


def _new_topic(topic: Topic, settings: ServiceSettings) -> NewTopic:
    configs = {"max.message.bytes": str(LARGEST_MESSAGE)}
    if topic.keeps_forever:
        configs |= {"retention.ms": "-1"}
    return NewTopic(topic.name, settings.kafka_partitions, settings.kafka_replication, topic_configs=configs)


class ReaderStandsStill(RuntimeError):
    """There is something to read and nothing comes, or the group never takes us in. A new client begins anew.

    Seen with aiokafka 0.14 once in some ten restarts of a broker: the client has lost its group and does not know it.
    And on the embedded broker with two members, one of them late: both join the same generation over and over.
    """


@dataclass
class Reader:
    """One member of a consumer group: a poll is handled whole, and only then may its offsets be committed."""

    settings: ServiceSettings
    service: str
    topics: tuple[Topic, ...]
    receive: Callable[[Sequence[Message]], Awaitable[None]]
    stopping: asyncio.Event
    nudges: Nudges | None = None
    wakes: Collection[str] = ()
    """Of what `nudges` tell: the types of the events that somebody waits for."""
    gather_seconds: float = 0.0

    async def run(self) -> None:
        """Reads until `stopping` is set; raises when the broker is away, and is started again."""
        await ensure_topics(self.settings, self.topics)
        consumer = self._consumer()
        lag = Lag(self.service, [topic.name for topic in self.topics], consumer)
        watching: asyncio.Task[None] | None = None
        clock = asyncio.get_running_loop().time
        try:
            await self._join(consumer)
            watching = asyncio.create_task(lag.watch())
            heard_at = clock()
            offsets = _Offsets(consumer, lag.committed)
            while not self.stopping.is_set():
                polled = await consumer.getmany(timeout_ms=offsets.rest_ms, max_records=_LARGEST_POLL_RECORDS)
                if polled:
                    await self.receive([_message(record) for record in chain(*polled.values())])
                    if failpoints.armed:
                        await failpoints.reach("ack")
                    offsets.handled |= {partition: records[-1].offset + 1 for partition, records in polled.items()}
                    await asyncio.sleep(pause_after(sum(map(len, polled.values()))))
                    heard_at = clock()
                elif lag.something_waits and clock() - heard_at > _STANDS_STILL_SECONDS:
                    raise ReaderStandsStill(f"nothing comes to {self.service}")
                await offsets.commit_if_due()
            await offsets.commit()
        finally:
            if watching:
                watching.cancel()
            await _stop(consumer)

    async def _join(self, consumer: AIOKafkaConsumer) -> None:
        try:
            async with asyncio.timeout(2 * self.settings.kafka_session_seconds + _JOIN_SECONDS):
                await consumer.start()
        except TimeoutError:
            raise ReaderStandsStill(f"the group of {self.service} does not come about") from None

    def _consumer(self) -> AIOKafkaConsumer:
        session_ms = int(self.settings.kafka_session_seconds * 1000)
        names = [topic.name for topic in self.topics]
        common: dict[str, Any] = {
            **connection(self.settings),
            "group_id": group_of(self.service),
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": min(3000, session_ms // 3),
            "max_poll_interval_ms": 300_000,
            # A member that joined while a topic was missing has none of its partitions, until it looks again.
            "metadata_max_age_ms": _LOOK_FOR_TOPICS_MS,
            "max_partition_fetch_bytes": LARGEST_MESSAGE,
            "fetch_max_bytes": 16 * 1024 * 1024,
        }
        if not self.settings.kafka_embedded:
            return AIOKafkaConsumer(*names, **common, **self._gathering())
        nudge = self.nudges.listen(self.wakes, asyncio.Event()) if self.nudges else None
        return PatientConsumer(*names, nudge=nudge, gather_seconds=self.gather_seconds, **common)

    def _gathering(self) -> dict[str, int]:
        """The broker answers when so much has come together, or so long has passed."""
        if not self.gather_seconds:
            return {}
        return {"fetch_min_bytes": _GATHERED_BYTES, "fetch_max_wait_ms": round(self.gather_seconds * 1000)}


def _message(record: ConsumerRecord) -> Message:
    headers = {name: (value or b"").decode("latin-1") for name, value in record.headers}
    return Message(record.topic, record.partition, record.offset, headers, record.value)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await consumer.stop()
    except TimeoutError:
        pass
    except asyncio.CancelledError:
        # Not ours: a fetch that failed was cancelled in its pause, and aiokafka lets that out before it closes its lines.
        if is_told_to_stop():
            raise
        await consumer._client.close()  # noqa: SLF001 (a test holds this name to the pinned version)


@dataclass
class _Offsets:
    """What is handled is committed at once after a while of silence, and a few times a second while much comes.

    Until then nothing is lost: whoever reads on from what was committed finds the rest in the inbox.
    """

    consumer: AIOKafkaConsumer
    committed: dict[TopicPartition, int]
    handled: dict[TopicPartition, int] = field(default_factory=dict)
    """Offsets by which reading goes on, not committed yet."""
    _due_at: float = 0.0

    @property
    def rest_ms(self) -> int:
        """How long there is nothing to do here, a poll at most."""
        if not self.handled:
            return _POLL_MS
        return min(_POLL_MS, max(0, round((self._due_at - time.monotonic()) * 1000)))

    async def commit_if_due(self) -> None:
        if time.monotonic() >= self._due_at:
            await self.commit()

    async def commit(self) -> None:
        offsets, self.handled = self.handled, {}
        if not offsets:
            return
        self._due_at = time.monotonic() + _COMMIT_EVERY_SECONDS
        try:
            await self._commit_to_the_end(offsets)
            self.committed |= offsets
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError) as error:
            # The partitions went to another member meanwhile: it sees these events again, and the inbox knows them.
            log.warning("offsets.not_committed", exc=error)
        except KafkaError as error:
            log.warning("offsets.not_committed", exc=error)
            raise

    async def _commit_to_the_end(self, offsets: dict[TopicPartition, int]) -> None:
        """Who is cancelled lets it end first: aiokafka goes on with what it has sent, and with its line closed at once would
        fail where nobody hears of it.
        """
        committing = asyncio.ensure_future(self.consumer.commit(offsets))
        committing.add_done_callback(hear)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await asyncio.shield(committing)
        except asyncio.CancelledError:
            await asyncio.wait([committing], timeout=_COMMIT_UNDER_WAY_SECONDS)
            raise
        finally:
            committing.cancel()
