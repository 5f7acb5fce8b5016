"""A broker that forgets loses nothing: what it had of us is sent again, completed orders' later events included.

The outbox keeps what was sent, and how far each partition had come. A partition that ends before that, or that gives an
offset a second time, has lost its log: the embedded broker's do at every restart, Apache Kafka's when its disks are gone.
Readers know by their inbox what they have handled before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import TopicPartition

from chassis.telemetry import log

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

    from chassis.database import Database, Transaction

Partition = tuple[str, int]
"""Topic and number."""

_END_TOLERANCE = 100

_SENT_UP_TO = "SELECT topic, partition, highest FROM outbox_sent"

# Locked, so that of two replicas that notice the same only one has everything sent again.
_LOST = """
SELECT topic, partition FROM outbox_sent
JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS now (topic, partition, next) USING (topic, partition)
WHERE highest >= next ORDER BY topic, partition FOR UPDATE OF outbox_sent
"""

# Looks at every row that is kept: it happens when a broker has lost its disks, and with the small embedded one.
_SEND_AGAIN = """
UPDATE outbox SET sent_at = NULL FROM unnest($1::text[], $2::integer[]) AS lost (topic, partition)
WHERE outbox.topic = lost.topic AND outbox.partition = lost.partition AND sent_at IS NOT NULL
"""
_COUNT_ANEW = """
DELETE FROM outbox_sent USING unnest($1::text[], $2::integer[]) AS lost (topic, partition)
WHERE outbox_sent.topic = lost.topic AND outbox_sent.partition = lost.partition
"""


async def sent_up_to(db: "Transaction") -> dict[Partition, int]:
    """The highest offset that each partition ever gave us."""
    return {(row["topic"], row["partition"]): row["highest"] for row in await db.fetch(_SENT_UP_TO)}


async def send_again_what_was_lost(tx: "Transaction", next_offsets: Mapping[Partition, int]) -> int:
    """Given where partitions go on now, marks unsent what is kept of those that had been further; returns how many rows."""
    topics, numbers = [topic for topic, _ in next_offsets], [number for _, number in next_offsets]
    lost = await tx.fetch(_LOST, topics, numbers, list(next_offsets.values()))
    if not lost:
        return 0
    partitions = [row["topic"] for row in lost], [row["partition"] for row in lost]
    events = await tx.execute(_SEND_AGAIN, *partitions)
    await tx.execute(_COUNT_ANEW, *partitions)
    log.warning("broker.lost_its_log", partitions=len(lost), events_sent_again=events)
    return events


@dataclass
class LostLog:
    """Looks at the ends of the partitions that one service writes."""

    database: "Database"
    consumer: "AIOKafkaConsumer"
    topics: Sequence[str]

    async def check(self) -> int:
        """Returns how many events will be sent again. LookupError while a topic is missing: it must be made first."""
        async with self.database.reading() as db:
            kept = await sent_up_to(db)  # before the broker is asked: what is sent meanwhile only moves the end on
        if set(self.topics) - await self.consumer.topics():
            raise LookupError("the broker has lost a topic")
        if not kept:
            return 0
        ends = await self._ends()
        behind = {place: ends.get(place, 0) for place, highest in kept.items() if _is_lost(ends.get(place, 0), highest)}
        if not behind:
            return 0
        async with self.database.transaction() as tx:
            events = await send_again_what_was_lost(tx, behind)
        self.database.outbox_filled.set()
        return events

    async def _ends(self) -> dict[Partition, int]:
        places = [
            TopicPartition(topic, number)
            for topic in self.topics
            for number in self.consumer.partitions_for_topic(topic) or ()
        ]
        ends = await self.consumer.end_offsets(places)
        return {(place.topic, place.partition): end for place, end in ends.items()}


def _is_lost(end: int, highest: int) -> bool:
    """The embedded broker tells an end that is a record or two too low; a log that was lost begins again at nothing.

    What has grown again by the time anybody looks is noticed by the relay: offsets that it was given before come again.
    """
    return end == 0 or end + _END_TOLERANCE <= highest
