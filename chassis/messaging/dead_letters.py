"""Messages that could not be handled: kept with place, reason and attempts, never in anyone's way, replayed once."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.crypto import Keyring
from chassis.database import OUTAGES, Database, Transaction
from chassis.errors import NotFound, WrongState
from chassis.idempotency import Memo, answer_once
from chassis.ids import new_id
from chassis.messaging.codec import Codec, Undecodable
from chassis.metrics import DEAD_LETTERED
from chassis.telemetry import log
from schemas.event import Event

DEAD_LETTERS_TABLE = """
CREATE TABLE dead_letters (
    id          uuid        PRIMARY KEY,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    digest      bytea       NOT NULL,
    type        text,
    subject     text,
    reason      text        NOT NULL,
    places      text[]      NOT NULL DEFAULT '{}',
    attempts    integer     NOT NULL,
    headers     text        NOT NULL,
    key_id      text        NOT NULL,
    payload     bytea       NOT NULL,
    failed_at   timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    CONSTRAINT one_letter_a_message UNIQUE (topic, partition, "offset", digest)
)
"""

_KEEP = """
INSERT INTO dead_letters (id, topic, partition, "offset", digest, type, subject, reason, places, attempts, headers,
                          key_id, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT ON CONSTRAINT one_letter_a_message DO NOTHING
"""

_LIST = """
SELECT id, topic, partition, "offset", type, subject, reason, places, attempts, failed_at, replayed_at
FROM dead_letters ORDER BY failed_at DESC, id DESC LIMIT $1
"""

_EXISTS = "SELECT true FROM dead_letters WHERE id = $1"
# Whoever comes second waits, and then sees what the first has done.
_LOAD_LOCKED = "SELECT headers, key_id, payload, replayed_at FROM dead_letters WHERE id = $1 FOR UPDATE"
_MARK_REPLAYED = "UPDATE dead_letters SET replayed_at = now() WHERE id = $1"
_COUNT_ATTEMPT = "UPDATE dead_letters SET attempts = attempts + 1 WHERE id = $1"


_LONGEST_HEADER = 500


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka record, as far as it matters here."""

    topic: str
    partition: int
    offset: int
    headers: Mapping[str, str]
    value: bytes | None


Handle = Callable[[Sequence[Event]], Awaitable[None]]


class FailedAgain(WrongState):
    def __init__(self, reason: str) -> None:
        super().__init__("It could not be handled this time either.", {"reason": reason})


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of one service; `handle` is what the service does with events, `codec` reads them."""

    service: str
    database: Database
    codec: Codec
    keyring: Keyring
    handle: Handle
    # A replay holds one connection while the handler takes another: many at once would wait for each other.
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def keep(self, message: Message, reason: str, attempts: int, places: Sequence[str] = ()) -> None:
        letter_id, value = new_id(), message.value or b""
        async with self.database.transaction() as tx:
            await tx.execute(
                _KEEP,
                letter_id,
                message.topic,
                message.partition,
                message.offset,
                hashlib.sha256(value).digest(),
                _as_text(message.headers.get("ce_type")),
                _as_text(message.headers.get("ce_subject")),
                reason,
                list(places),
                attempts,
                json.dumps(dict(message.headers)),
                self.keyring.active,
                self.keyring.seal(value, letter_id.bytes),
            )
        DEAD_LETTERED.labels(self.service, reason).inc()
        log.error(
            "event.dead_lettered",
            dead_letter_id=str(letter_id),
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            reason=reason,
        )

    async def newest(self, limit: int = 100) -> list[dict[str, Any]]:
        async with self.database.reading() as db:
            return [{"service": self.service, **row} for row in await db.fetch(_LIST, limit)]

    async def has(self, letter_id: UUID) -> bool:
        async with self.database.reading() as db:
            return bool(await db.fetchval(_EXISTS, letter_id))

    async def answer_replay(self, memo: Memo | None, letter_id: UUID) -> Answer:
        """`replay` as an HTTP answer, the first one again for the same memo."""
        failed = False

        async def work(tx: Transaction) -> Answer:
            nonlocal failed
            try:
                await self._replay(tx, letter_id)
            except FailedAgain:
                failed = True
                raise
            return Answer(204)

        async with self._one_at_a_time:
            answer = await answer_once(self.database, memo, work)
        if failed:
            await self._count_attempt(letter_id)
        return answer

    async def replay(self, letter_id: UUID) -> None:
        """Handles it once more. NotFound; WrongState when it was replayed before; FailedAgain."""
        try:
            async with self._one_at_a_time, self.database.transaction() as tx:
                await self._replay(tx, letter_id)
        except FailedAgain:
            await self._count_attempt(letter_id)
            raise

    async def _replay(self, tx: Transaction, letter_id: UUID) -> None:
        """The letter is ours until `tx` ends. What handles it commits by itself, and its inbox knows what it has done."""
        row = await tx.fetchrow(_LOAD_LOCKED, letter_id)
        if row is None:
            raise NotFound("There is no such dead letter.")
        if row["replayed_at"] is not None:
            raise WrongState("This dead letter was replayed before.")
        await self._handle_again(letter_id, row)
        await tx.execute(_MARK_REPLAYED, letter_id)

    async def _handle_again(self, letter_id: UUID, row: Any) -> None:
        value = self.keyring.open(row["key_id"], row["payload"], letter_id.bytes)
        try:
            event = self.codec.decode(json.loads(row["headers"]), value)
            if event is not None:
                await self.handle([event])
        except OUTAGES:
            raise  # says nothing of the letter
        except Exception as error:
            log.error("dead_letter.failed_again", dead_letter_id=str(letter_id), exc=error)
            raise FailedAgain(error.reason if isinstance(error, Undecodable) else type(error).__name__) from error

    async def _count_attempt(self, letter_id: UUID) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(_COUNT_ATTEMPT, letter_id)


def _as_text(header: str | None) -> str | None:
    """Whatever somebody wrote into a header, as PostgreSQL can hold it: a letter that cannot be kept holds up a partition."""
    return None if header is None else header.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST_HEADER]
