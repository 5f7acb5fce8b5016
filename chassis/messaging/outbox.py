"""Events on their way out: written with the state they tell of, sent by a relay that outlives the request."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from chassis.messaging.codec import Codec
from chassis.messaging.nudges import Nudges
from schemas.event import Event
from schemas.topics import TOPIC_OF

if TYPE_CHECKING:
    from chassis.database import Database

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
CREATE INDEX outbox_subject ON outbox (subject)
"""

_WRITE = """
INSERT INTO outbox (event_id, topic, subject, cause, headers, value)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[])
"""

# Rows that another relay holds are skipped; rows that commit late are found by the next pass, unlike with `id > last`.
_CLAIM = """
SELECT id, topic, subject, headers, value FROM outbox
WHERE sent_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""

_MARK_SENT = """
UPDATE outbox SET sent_at = now(), partition = sent.partition, "offset" = sent."offset"
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS sent (id, partition, "offset")
WHERE outbox.id = sent.id
"""

_BATCH = 200
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
        return cls(event, topic.name, *codec.encode(event))


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

    async def run(self) -> None:
        while True:
            self.database.outbox_filled.clear()
            if await self.send_waiting() < _BATCH:
                await self._something_to_send()

    async def _something_to_send(self) -> None:
        # The event wakes at once; the poll finds what a dead process or another replica left behind.
        try:
            await asyncio.wait_for(self.database.outbox_filled.wait(), _SAFETY_POLL_SECONDS)
        except TimeoutError:
            pass

    async def send_waiting(self) -> int:
        """Sends at most one batch; returns how many it sent. The rows stay locked until Kafka has them."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch(_CLAIM, _BATCH)
            if not rows:
                return 0
            async with asyncio.timeout(_SEND_TIMEOUT_SECONDS):
                sent = await self._send(rows)
            await tx.execute(
                _MARK_SENT, [row["id"] for row in rows], [s.partition for s in sent], [s.offset for s in sent]
            )
        self.nudges.tell({row["topic"] for row in rows})
        return len(rows)

    async def _send(self, rows: Sequence[Any]) -> list[RecordMetadata]:
        waiting = []
        for row in rows:
            headers = [(name, value.encode()) for name, value in json.loads(row["headers"]).items()]
            key = str(row["subject"]).encode()
            waiting.append(await self.producer.send(row["topic"], row["value"], key=key, headers=headers))
        return list(await asyncio.gather(*waiting))
