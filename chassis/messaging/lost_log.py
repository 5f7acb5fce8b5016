"""A broker that forgets loses nothing: what it had of us is sent again, completed orders' later events included.

The outbox keeps what was sent, and how far each partition had come. A partition that ends before that, or that gives an
offset a second time, has lost its log: the embedded broker's do at every restart, Apache Kafka's when its disks are gone.

What all readers had handled by then is not sent again: while the log is there we note how far every reading group has
committed, which a reader does only after an event had its effect. Where the note is older than the truth, readers know by
their inbox what they have handled before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from chassis.telemetry import log
from schemas.topics import Topic, group_of

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer
    from aiokafka.admin import AIOKafkaAdminClient

    from chassis.database import Database, Transaction

Partition = tuple[str, int]
"""Topic and number."""

OUTBOX_LOG_COLUMNS = """
ALTER TABLE outbox_sent ADD COLUMN began_at timestamptz NOT NULL DEFAULT now(),
                        ADD COLUMN handled  bigint      NOT NULL DEFAULT 0;
COMMENT ON COLUMN outbox_sent.handled IS 'Below this offset every reading group has handled everything'
"""

_END_TOLERANCE = 200
"""As many as a relay sends at once: the embedded broker names the beginning of the last batch as the end."""

_SENT_UP_TO = "SELECT topic, partition, highest FROM outbox_sent"
_LOGS = "SELECT topic, partition, highest, began_at, handled FROM outbox_sent"

# Locked, so that of two replicas that notice the same only one has everything sent again.
_LOST = """
SELECT topic, partition, began_at, handled FROM outbox_sent
JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS now (topic, partition, next) USING (topic, partition)
WHERE highest >= next ORDER BY topic, partition FOR UPDATE OF outbox_sent
"""

# Offsets of an earlier log mean nothing in this one: what was sent before it began was handled, or was sent again since.
# The margin is for a relay's transaction, whose now() is when it began. Looks at every row that is kept: it happens when
# a broker has lost its disks, and with the small embedded one.
_SEND_AGAIN = """
UPDATE outbox SET sent_at = NULL
FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::bigint[]) AS lost (topic, partition, began_at, handled)
WHERE outbox.topic = lost.topic AND outbox.partition = lost.partition
AND sent_at > lost.began_at - interval '5 min' AND outbox."offset" >= lost.handled
"""
_COUNT_ANEW = """
DELETE FROM outbox_sent USING unnest($1::text[], $2::integer[]) AS lost (topic, partition)
WHERE outbox_sent.topic = lost.topic AND outbox_sent.partition = lost.partition
"""

# Only of the log that was looked at: one that began meanwhile knows nothing of these offsets.
_NOTE_HANDLED = """
UPDATE outbox_sent SET handled = seen.handled
FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::bigint[]) AS seen (topic, partition, began_at, handled)
WHERE outbox_sent.topic = seen.topic AND outbox_sent.partition = seen.partition
AND outbox_sent.began_at = seen.began_at AND outbox_sent.highest + 1 >= seen.handled
"""


@dataclass(frozen=True, slots=True)
class Log:
    """What we remember of a partition's log since it began."""

    highest: int
    began_at: datetime
    handled: int


async def sent_up_to(db: "Transaction") -> dict[Partition, int]:
    """The highest offset that each partition ever gave us."""
    return {(row["topic"], row["partition"]): row["highest"] for row in await db.fetch(_SENT_UP_TO)}


async def send_again_what_was_lost(tx: "Transaction", next_offsets: Mapping[Partition, int]) -> int:
    """Given where partitions go on now, marks unsent what is kept of those that had been further, but for what all
    readers have handled; returns how many rows.
    """
    topics, numbers = [topic for topic, _ in next_offsets], [number for _, number in next_offsets]
    lost = await tx.fetch(_LOST, topics, numbers, list(next_offsets.values()))
    if not lost:
        return 0
    partitions = [row["topic"] for row in lost], [row["partition"] for row in lost]
    since = [row["began_at"] for row in lost], [row["handled"] for row in lost]
    events = await tx.execute(_SEND_AGAIN, *partitions, *since)
    await tx.execute(_COUNT_ANEW, *partitions)
    log.warning("broker.lost_its_log", partitions=len(lost), events_sent_again=events)
    return events


@dataclass
class LostLog:
    """Looks at the ends of the partitions that one service writes, and at how far their readers are."""

    database: "Database"
    consumer: "AIOKafkaConsumer"
    admin: "AIOKafkaAdminClient"
    topics: Sequence[Topic]

    async def check(self) -> int:
        """Returns how many events will be sent again. LookupError while a topic is missing: it must be made first."""
        async with self.database.reading() as db:
            rows = await db.fetch(_LOGS)  # before the broker is asked: what is sent meanwhile only moves the end on
        logs = {(r["topic"], r["partition"]): Log(r["highest"], r["began_at"], r["handled"]) for r in rows}
        places = await self._places()
        if not logs:
            return 0
        ends = {(place.topic, place.partition): end for place, end in (await self.consumer.end_offsets(places)).items()}
        behind = {
            place: ends.get(place, 0) for place, known in logs.items() if _is_lost(ends.get(place, 0), known.highest)
        }
        if not behind:
            await self._note_what_is_handled(logs)
            return 0
        async with self.database.transaction() as tx:
            events = await send_again_what_was_lost(tx, behind)
        self.database.outbox_filled.set()
        return events

    async def _places(self) -> list[TopicPartition]:
        # Asked of the broker each time: what a client remembers of a topic that is minutes old may be that there is none.
        described = {topic["topic"]: topic for topic in await self.admin.describe_topics()}
        if {topic.name for topic in self.topics} - described.keys():
            raise LookupError("the broker has lost a topic")
        return [
            TopicPartition(topic.name, partition["partition"])
            for topic in self.topics
            for partition in described[topic.name]["partitions"]
        ]

    async def _note_what_is_handled(self, logs: Mapping[Partition, Log]) -> None:
        for topic in self.topics:
            mine = {place: log for place, log in logs.items() if place[0] == topic.name and log.handled <= log.highest}
            # What is kept for ever is there for readers of the future too.
            if not mine or topic.keeps_forever:
                continue
            try:
                handled = await self._handled_by_all(topic, mine)
            except KafkaError:
                return  # noted the next time; until then more would be sent again than need be
            async with self.database.transaction() as tx:
                await tx.execute(
                    _NOTE_HANDLED,
                    [name for name, _ in mine],
                    [number for _, number in mine],
                    [log.began_at for log in mine.values()],
                    [handled[place] for place in mine],
                )

    async def _handled_by_all(self, topic: Topic, places: Mapping[Partition, Log]) -> dict[Partition, int]:
        """Offsets below which all groups have handled everything; 0 for a group that has committed nothing yet."""
        wanted = [TopicPartition(*place) for place in places]
        committed = [
            await self.admin.list_consumer_group_offsets(group_of(reader), partitions=wanted)
            for reader in topic.readers
        ]
        return {
            place: min(group[place].offset if place in group and group[place].offset > 0 else 0 for group in committed)
            for place in wanted
        }


def _is_lost(end: int, highest: int) -> bool:
    """A log that was lost begins again at nothing.

    What has grown again by the time anybody looks is noticed by the relay: offsets that it was given before come again.
    """
    return end == 0 or end + _END_TOLERANCE <= highest
