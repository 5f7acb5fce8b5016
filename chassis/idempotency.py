"""`Idempotency-Key` on any POST: the same key and body from the same caller on the same path give the first answer again.

The memory of an answer commits together with the effect, so there is no moment at which a repeat could do it twice:
a second request with the key waits on the first one's row, then finds its answer there.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from chassis.answer import Answer
from chassis.database import Database, Transaction
from chassis.errors import (
    ApplicationError,
    Fault,
    IdempotencyKeyReused,
    InvalidInput,
    RateLimited,
    Rejected,
    Unauthenticated,
)
from chassis.security import Caller
from chassis.telemetry import current_trace_id

IDEMPOTENCY_TABLE = """
CREATE TABLE idempotency (
    caller      text        NOT NULL,
    path        text        NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL,
    subject     uuid,
    status      integer,
    headers     text,
    body        text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, path, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at)
"""

_CLAIM = """
INSERT INTO idempotency (caller, path, key, fingerprint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true
"""
_FIND = """
SELECT fingerprint, subject, status, headers, body FROM idempotency WHERE caller = $1 AND path = $2 AND key = $3
"""
_RECORD = """
UPDATE idempotency SET subject = $4, status = $5, headers = $6, body = $7
WHERE caller = $1 AND path = $2 AND key = $3 AND status IS NULL
"""


def error_answer(error: ApplicationError) -> Answer:
    """The one error form."""
    body = {
        "type": error.type,
        "code": error.code,
        "message": error.message,
        "detail": error.detail,
        "trace_id": current_trace_id(),
    }
    text = json.dumps(body, ensure_ascii=False, default=str)
    # What a caller sent may be named in it, and may be half a character, which no encoding carries back.
    return Answer(error.status, text.encode("utf-8", "replace").decode(), error.headers)


@dataclass(frozen=True, slots=True)
class Memo:
    """What makes two requests the same."""

    caller: str
    path: str
    key: str
    fingerprint: bytes


def memo_of(request: Request, caller: Caller, body: bytes) -> Memo | None:
    """None without the header. InvalidInput unless it is 1-255 printable characters."""
    if "idempotency-key" not in request.headers:
        return None
    fingerprint = new_fingerprint(request)
    fingerprint.update(body)
    return memo_with(request, caller, fingerprint.digest())


def new_fingerprint(request: Request) -> "hashlib._Hash":
    """To be fed the body as it comes, and given to `memo_with`."""
    return hashlib.sha256(request.headers.get("content-type", "").encode() + b"\0")


def memo_with(request: Request, caller: Caller, fingerprint: bytes) -> Memo | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise InvalidInput([Fault("Idempotency-Key", "VALUE", "The key must be 1 to 255 printable characters.")])
    return Memo(caller.key, request.url.path, key, fingerprint)


async def claim(tx: Transaction, memo: Memo) -> Answer | None:
    """None: this is the first request with the key. Else the first one's answer; IdempotencyKeyReused for another body."""
    if await tx.fetchval(_CLAIM, memo.caller, memo.path, memo.key, memo.fingerprint):
        return None
    return await find(tx, memo)


async def find(tx: Transaction, memo: Memo) -> Answer | None:
    row = await tx.fetchrow(_FIND, memo.caller, memo.path, memo.key)
    return None if row is None else answer_in(row, memo)


def answer_in(row: Any, memo: Memo) -> Answer:
    if row["fingerprint"] != memo.fingerprint:
        raise IdempotencyKeyReused
    return Answer(row["status"], row["body"] or "", json.loads(row["headers"] or "{}"), row["subject"])


async def record(tx: Transaction, memo: Memo, answer: Answer) -> Answer:
    """Keeps `answer` as the first one, unless one is there already; returns the one that counts."""
    headers = json.dumps(answer.headers)
    if await tx.execute(_RECORD, memo.caller, memo.path, memo.key, answer.subject, answer.status, headers, answer.body):
        return answer
    return await find(tx, memo) or answer


async def answer_once(
    database: Database,
    memo: Memo | None,
    work: Callable[[Transaction], Awaitable[Answer]],
) -> Answer:
    """Does `work` in a transaction, once for each memo. A refusal is an answer too, and is remembered as one."""
    try:
        async with database.transaction() as tx:
            before = await claim(tx, memo) if memo else None
            if before:
                return before
            answer = await work(tx)
            if memo:
                await record(tx, memo, answer)
            return answer
    except (Unauthenticated, RateLimited, IdempotencyKeyReused):
        raise
    except Rejected as error:
        return await remember_refusal(database, memo, error)


async def remember_refusal(database: Database, memo: Memo | None, error: Rejected) -> Answer:
    answer = error_answer(error)
    if memo is None:
        return answer
    async with database.transaction() as tx:
        return await claim(tx, memo) or await record(tx, memo, answer)
