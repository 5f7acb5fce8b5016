"""Events on their way out: written with the state they tell of, sent by a relay that outlives the request."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import RecordMetadata

from chassis import failpoints
from chassis.messaging.codec import LARGEST_MESSAGE, Codec
from chassis.messaging.lost_log import Partition, send_again_what_was_lost, sent_up_to
from chassis.messaging.nudges import Nudges
from chassis.pacing import is_set_within, pause_after
from schemas.event import Event
from schemas.topics import TOPIC_OF

if TYPE_CHECKING:
    from chassis.database import Database, Transaction

OUTBOX_TABLE = """
CREATE TABLE outbox (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   uuid        NOT NULL,
    topic      text        NOT NULL,
    subject    uuid        NOT NULL,
    cause      uuid,
    headers    text        NOT NULL,
    value      bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    partition  integer,
    "offset"   bigint
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;
CREATE INDEX outbox_cause ON outbox (cause);
CREATE INDEX outbox_subject ON outbox (subject);
CREATE TABLE outbox_sent (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    highest   bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE outbox_sent IS 'The highest offset that each partition gave us: where it ends before that, its log was lost'
"""

_WRITE = """
INSERT INTO outbox (event_id, topic, subject, cause, headers, value)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[])
"""

# Rows that another relay holds are skipped; rows that commit late are found by the next pass, unlike with `id > last`.
# So many rows, and so many bytes: two hundred of the largest would be most of a gigabyte. The marks need not wait for the
# disk: one that is lost has an event sent twice, which readers know how to bear.
_CLAIM = """
WITH unhurried AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), next AS MATERIALIZED (
    SELECT id, topic, subject, headers, value FROM outbox
    WHERE sent_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), counted AS (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS before FROM next
)
SELECT id, topic, subject, headers, value FROM counted, unhurried WHERE before < $2 ORDER BY id
"""

_MARK_SENT = """
WITH marked AS (
    UPDATE outbox SET sent_at = now(), partition = sent.partition, "offset" = sent."offset"
    FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS sent (id, partition, "offset")
    WHERE outbox.id = sent.id
    RETURNING outbox.topic, outbox.partition, outbox."offset"
)
INSERT INTO outbox_sent (topic, partition, highest)
SELECT topic, partition, max("offset") FROM marked GROUP BY topic, partition ORDER BY topic, partition
ON CONFLICT (topic, partition) DO UPDATE SET highest = greatest(outbox_sent.highest, excluded.highest)
"""

_BATCH = 200
_BATCH_BYTES = 8 * 1024 * 1024
_LARGEST_VALUE = LARGEST_MESSAGE - 64 * 1024
_SAFETY_POLL_SECONDS = 1.0
_SEND_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Emission:
    """One event, encoded for its topic."""

    event: Event
    topic: str
    headers: dict[str, str]
    value: bytes

    @classmethod
    def of(cls, event: Event, codec: Codec) -> "Emission":
        topic = TOPIC_OF[type(event.data)]
        if topic.writer != codec.source:
            raise TypeError(f"{event.type} belongs to {topic.writer}, not to {codec.source}")
        headers, value = codec.encode(event)
        if len(value) > _LARGEST_VALUE:
            # Refused here it fails alone; in the outbox it would hold up everything behind it.
            raise ValueError(f"{event.type} of {len(value)} bytes is too large for Kafka")
        return cls(event, topic.name, headers, value)


async def write_outbox(connection: Any, emissions: Sequence[Emission]) -> None:
    await connection.execute(
        _WRITE,
        [emission.event.id for emission in emissions],
        [emission.topic for emission in emissions],
        [emission.event.subject for emission in emissions],
        [emission.event.cause for emission in emissions],
        [json.dumps(emission.headers) for emission in emissions],
        [emission.value for emission in emissions],
    )


@dataclass
class Relay:
    """Sends what the outbox holds, in its order, and marks it sent only after the broker has answered."""

    database: "Database"
    producer: AIOKafkaProducer
    nudges: Nudges
    _highest: dict[Partition, int] = field(default_factory=dict)
    _more_waits: bool = False

    async def run(self) -> None:
        async with self.database.reading() as db:
            self._highest = await sent_up_to(db)
        while True:
            self.database.outbox_filled.clear()
            sent = await self.send_waiting()
            if not self._more_waits:
                await asyncio.sleep(pause_after(sent))
                await self._something_to_send()

    async def _something_to_send(self) -> None:
        # The event wakes at once; the poll finds what a dead process or another replica left behind.
        await is_set_within(self.database.outbox_filled, _SAFETY_POLL_SECONDS)

    async def send_waiting(self) -> int:
        """Sends at most one batch; returns how many it sent. The rows stay locked until Kafka has them."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch(_CLAIM, _BATCH, _BATCH_BYTES)
            self._more_waits = len(rows) == _BATCH or sum(len(row["value"]) for row in rows) >= _BATCH_BYTES
            if not rows:
                return 0
            headers = [json.loads(row["headers"]) for row in rows]
            try:
                async with asyncio.timeout(_SEND_TIMEOUT_SECONDS):
                    sent = await self._send(rows, headers)
            except TimeoutError:
                raise KafkaTimeoutError from None  # not to be taken for one of the database
            self.nudges.tell({each["ce_type"] for each in headers})
            if failpoints.armed:
                await failpoints.reach("publish")
            await self._look_whether_offsets_went_back(tx, sent)
            await tx.execute(
                _MARK_SENT, [row["id"] for row in rows], [s.partition for s in sent], [s.offset for s in sent]
            )
        return len(rows)

    async def _look_whether_offsets_went_back(self, tx: "Transaction", sent: Sequence[RecordMetadata]) -> None:
        """A broker that forgot counts from the beginning, and may pass the old end before anybody looks there."""
        lowest: dict[Partition, int] = {}
        for place in reversed(sent):
            lowest[place.topic, place.partition] = place.offset
        suspicious = {p: offset for p, offset in lowest.items() if offset <= self._highest.get(p, -1)}
        if suspicious:
            await send_again_what_was_lost(tx, suspicious)
        self._highest |= {(place.topic, place.partition): place.offset for place in sent}

    async def _send(self, rows: Sequence[Any], headers: Sequence[dict[str, str]]) -> list[RecordMetadata]:
        waiting = []
        for row, each in zip(rows, headers, strict=True):
            encoded = [(name, value.encode()) for name, value in each.items()]
            key = str(row["subject"]).encode()
            waiting.append(await self.producer.send(row["topic"], row["value"], key=key, headers=encoded))
        return list(await asyncio.gather(*waiting))
