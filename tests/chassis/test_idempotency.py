"""`Idempotency-Key`: the first answer again, whatever happened in between, also when both come at once (P6)."""

import asyncio
from typing import Any

import pytest
from fastapi import Request

from chassis.answer import Answer
from chassis.database import Database, Transaction
from chassis.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    RateLimited,
    Rejected,
    Unauthenticated,
    Unavailable,
    WrongState,
)
from chassis.idempotency import Memo, answer_once, memo_of
from chassis.ids import new_id
from chassis.security import Caller
from tests.support.chassis import asked_again, until

pytestmark = pytest.mark.anyio

_STAFF = Caller("jane", new_id(), 9e9, frozenset({"assistant"}))
_MEMO = Memo("staff:jane", "/api/orders", "key", b"fingerprint")


def _request(key: str | None = "key", path: str = "/api/orders", content_type: str = "application/json") -> Request:
    headers = [(b"content-type", content_type.encode())]
    if key is not None:
        headers.append((b"idempotency-key", key.encode("latin-1")))
    return Request({"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""})


def test_without_the_header_nothing_is_remembered() -> None:
    assert memo_of(_request(None), _STAFF, b"{}") is None


@pytest.mark.parametrize("key", ["k", "k" * 255, "a b", "ü"])
def test_a_key_is_1_to_255_printable_characters(key: str) -> None:
    memo = memo_of(_request(key), _STAFF, b"{}")
    assert memo is not None
    assert memo.key == key


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "a\x00b", "a\x7fb"])
def test_any_other_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        memo_of(_request(key), _STAFF, b"{}")
    assert refused.value.detail["errors"][0]["field"] == "Idempotency-Key"


def test_the_same_request_has_the_same_memo_and_every_difference_counts() -> None:
    partner = Caller("clinic key", new_id(), 9e9, source="clinic")
    memos: list[Any] = [
        memo_of(_request(), _STAFF, b"{}"),
        memo_of(_request(), _STAFF, b"{ }"),
        memo_of(_request(content_type="text/plain"), _STAFF, b"{}"),
        memo_of(_request("other"), _STAFF, b"{}"),
        memo_of(_request(path="/api/orders/1/confirm"), _STAFF, b"{}"),
        memo_of(_request(), Caller("ana", new_id(), 9e9), b"{}"),
        memo_of(_request(), partner, b"{}"),
        memo_of(_request(), Caller("clinic", new_id(), 9e9), b"{}"),
    ]
    assert len(set(memos)) == len(memos)
    assert memo_of(_request(), Caller("jane", new_id(), 1.0), b"{}") == memos[0], "a new session is the same person"
    renewed = Caller("clinic key 2", new_id(), 9e9, source="clinic")
    assert memo_of(_request(), renewed, b"{}") == memos[6], "a new key is the same partner"


class _Work:
    """Emits one event each time it is done."""

    def __init__(self, answer: Answer | None = None, refusal: Exception | None = None, seconds: float = 0.01) -> None:
        self.answer = answer or Answer(202, '{"order_id": "1"}', {"Location": "/1"}, new_id())
        self.refusal, self.seconds = refusal, seconds
        self.times = 0

    async def __call__(self, tx: Transaction) -> Answer:
        self.times += 1
        tx.emit(asked_again())
        await asyncio.sleep(self.seconds)
        if self.refusal:
            raise self.refusal
        return self.answer


async def _outbox(database: Database) -> int:
    async with database.reading() as db:
        return int(await db.fetchval("SELECT count(*) FROM outbox"))


async def test_the_same_key_gives_the_first_answer_again(intake: Database) -> None:
    first, again = _Work(), _Work(Answer(500))
    assert await answer_once(intake, _MEMO, first) == first.answer
    assert await answer_once(intake, _MEMO, again) == first.answer
    assert again.times == 0
    assert await _outbox(intake) == 1


async def test_p6_twenty_at_once_with_one_key_do_it_once(intake: Database) -> None:
    works = [_Work() for _ in range(20)]
    answers = await asyncio.gather(*(answer_once(intake, _MEMO, work) for work in works))
    assert sum(work.times for work in works) == 1
    assert len({answer.subject for answer in answers}) == 1
    assert await _outbox(intake) == 1


async def test_p6_when_the_first_fails_one_of_those_who_waited_does_it(intake: Database) -> None:
    async def attempt(work: _Work) -> Answer | Exception:
        try:
            return await answer_once(intake, _MEMO, work)
        except Unavailable as error:
            return error

    failing = _Work(refusal=Unavailable(), seconds=0.2)
    first = asyncio.create_task(attempt(failing))
    await until(lambda: failing.times)  # it has the key
    outcomes = await asyncio.gather(first, *(attempt(_Work()) for _ in range(5)))
    assert await _outbox(intake) == 1
    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 5


async def test_without_a_key_it_is_done_each_time(intake: Database) -> None:
    work = _Work()
    await answer_once(intake, None, work)
    await answer_once(intake, None, work)
    assert work.times == 2


async def test_another_body_under_the_same_key_is_refused_and_changes_nothing(intake: Database) -> None:
    first = _Work()
    await answer_once(intake, _MEMO, first)
    other = Memo(_MEMO.caller, _MEMO.path, _MEMO.key, b"another")
    with pytest.raises(IdempotencyKeyReused):
        await answer_once(intake, other, _Work())
    assert await answer_once(intake, _MEMO, _Work()) == first.answer


@pytest.mark.parametrize("refusal", [WrongState("Confirmed before."), Forbidden("No."), InvalidInput([])], ids=repr)
async def test_a_refusal_is_remembered_too_and_leaves_no_effect(intake: Database, refusal: Rejected) -> None:
    first = await answer_once(intake, _MEMO, _Work(refusal=refusal))
    again = _Work()
    assert first.status == refusal.status
    assert await answer_once(intake, _MEMO, again) == first
    assert (again.times, await _outbox(intake)) == (0, 0)


@pytest.mark.parametrize("passing", [Unauthenticated(), RateLimited(1), Unavailable(), OSError()], ids=repr)
async def test_401_429_and_5xx_are_not_remembered(intake: Database, passing: Exception) -> None:
    with pytest.raises(type(passing)):
        await answer_once(intake, _MEMO, _Work(refusal=passing))
    done = _Work()
    assert await answer_once(intake, _MEMO, done) == done.answer
    assert done.times == 1


async def test_an_answer_that_waits_for_a_decision_is_found_by_its_subject(intake: Database) -> None:
    waiting = _Work(Answer(None, subject=new_id()))
    await answer_once(intake, _MEMO, waiting)
    assert await answer_once(intake, _MEMO, _Work()) == waiting.answer
