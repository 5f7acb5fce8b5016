"""What could not be handled: kept whole and unreadable, listed without content, handled again once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.database import Database
from chassis.errors import NotFound, WrongState
from chassis.ids import new_id
from chassis.messaging.dead_letters import DeadLetters, Message
from schemas.event import Event
from tests.support.chassis import RING, an_event, codec_of, order_received, warned

pytestmark = pytest.mark.anyio


class _Handler:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.fails: Exception | None = None
        self.handled: list[Event] = []

    async def __call__(self, events: Sequence[Event]) -> None:
        if self.fails:
            raise self.fails
        async with self.database.transaction() as tx:
            for event in await tx.first_time(events):
                self.handled.append(event)
                tx.emit(warned(event.subject), event)


@pytest.fixture
def handler(validation: Database) -> _Handler:
    return _Handler(validation)


@pytest.fixture
def letters(validation: Database, handler: _Handler) -> DeadLetters:
    return DeadLetters("validation", validation, codec_of("validation"), RING, handler)


def _message(event: Event | None = None, offset: int = 7, headers: Mapping[str, str] | None = None) -> Message:
    found, value = codec_of("intake").encode(event or an_event(order_received()))
    return Message("careplan.orders", 3, offset, {**found, **(headers or {})}, value)


async def test_a_letter_has_place_reason_attempts_and_no_content(letters: DeadLetters) -> None:
    event = an_event(order_received())
    await letters.keep(_message(event), "NOT_THE_SCHEMA", 1, ("order.provider:missing",))
    (letter,) = await letters.newest()
    assert letter.pop("failed_at") <= datetime.now(UTC)
    assert letter.pop("id")
    assert letter == {
        "service": "validation",
        "topic": "careplan.orders",
        "partition": 3,
        "offset": 7,
        "type": "careplan.order_received.v1",
        "subject": str(event.subject),
        "reason": "NOT_THE_SCHEMA",
        "places": ["order.provider:missing"],
        "attempts": 1,
        "replayed_at": None,
    }


async def test_what_is_kept_is_readable_to_nobody_without_the_key(letters: DeadLetters, validation: Database) -> None:
    await letters.keep(Message("t", 0, 0, {}, b'{"first_name": "Ana"}'), "HEADER_MISSING", 1)
    async with validation.reading() as db:
        row = await db.fetchrow("SELECT * FROM dead_letters")
    assert row is not None
    assert "Ana" not in str(row)
    assert b"Ana" not in row["payload"]


async def test_the_same_message_is_kept_once_however_often_it_fails(letters: DeadLetters) -> None:
    message = _message()
    for _ in range(3):
        await letters.keep(message, "ValueError", 3)
    assert len(await letters.newest()) == 1
    await letters.keep(_message(), "ValueError", 3)
    assert len(await letters.newest()) == 2, "after a wiped broker another message has the same place"


@pytest.mark.parametrize(
    "message",
    [
        Message("t", 0, 0, {}, None),
        Message("t", 0, 0, {"ce_type": "a\x00b", "ce_subject": "\x00", "odd\x00": "\x00"}, b"\x00"),
        Message("t", 0, 0, {"ce_type": "x" * 1_000_000}, b"x" * 1_000_000),
        Message("t", 0, 0, {"ce_type": "ÿ\x85\x9f"}, b"x"),
    ],
    ids=["nothing", "NUL everywhere", "large", "latin-1"],
)
async def test_p7_whatever_somebody_sent_can_be_kept(letters: DeadLetters, message: Message) -> None:
    await letters.keep(message, "HEADER_MISSING", 1)
    assert len(await letters.newest()) == 1


async def _only(letters: DeadLetters) -> dict[str, Any]:
    (letter,) = await letters.newest()
    return letter


async def test_p7_a_letter_is_replayed_once(letters: DeadLetters, handler: _Handler) -> None:
    event = an_event(order_received())
    await letters.keep(_message(event), "ValueError", 3)
    letter_id = (await _only(letters))["id"]
    await letters.replay(letter_id)
    assert handler.handled == [event]
    assert (await _only(letters))["replayed_at"] is not None
    with pytest.raises(WrongState):
        await letters.replay(letter_id)
    assert handler.handled == [event]


async def test_of_two_replays_at_once_one_counts(letters: DeadLetters, handler: _Handler) -> None:
    await letters.keep(_message(), "ValueError", 3)
    letter_id = (await _only(letters))["id"]
    outcomes = await asyncio.gather(*(letters.replay(letter_id) for _ in range(2)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "WrongState"]
    assert len(handler.handled) == 1


async def test_p7_a_replay_asked_for_while_another_runs_does_not_handle_it_a_second_time(letters: DeadLetters) -> None:
    """Two replicas: each has a handler of its own, and only the database is between them."""
    await letters.keep(_message(), "ValueError", 3)
    letter_id = (await _only(letters))["id"]
    begun, go_on = asyncio.Event(), asyncio.Event()
    calls = 0

    async def slowly(events: Sequence[Event]) -> None:
        nonlocal calls
        calls += 1
        begun.set()
        await go_on.wait()

    replicas = [replace(letters, handle=slowly, _one_at_a_time=asyncio.Lock()) for _ in range(2)]
    first = asyncio.create_task(replicas[0].replay(letter_id))
    await asyncio.wait_for(begun.wait(), 45)
    second = asyncio.create_task(replicas[1].replay(letter_id))
    await asyncio.sleep(0.2)
    go_on.set()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "WrongState"]
    assert calls == 1


async def test_more_replays_at_once_than_there_are_connections_all_go_through(
    letters: DeadLetters, handler: _Handler
) -> None:
    for offset in range(12):
        await letters.keep(_message(offset=offset), "ValueError", 3)
    async with asyncio.timeout(60):
        await asyncio.gather(*(letters.replay(letter["id"]) for letter in await letters.newest()))


async def test_a_replay_that_fails_again_says_so_counts_and_can_be_tried_later(
    letters: DeadLetters, handler: _Handler
) -> None:
    await letters.keep(_message(), "ValueError", 3)
    letter_id = (await _only(letters))["id"]
    handler.fails = ZeroDivisionError("Ana Bell")
    with pytest.raises(WrongState) as refused:
        await letters.replay(letter_id)
    assert refused.value.detail == {"reason": "ZeroDivisionError"}
    assert "Ana" not in refused.value.message
    letter = await _only(letters)
    assert (letter["attempts"], letter["replayed_at"]) == (4, None)
    handler.fails = None
    await letters.replay(letter_id)
    assert len(handler.handled) == 1


async def test_an_undecodable_letter_replayed_says_why(letters: DeadLetters) -> None:
    await letters.keep(_message(headers={"encryption-key": "lost"}), "CANNOT_DECRYPT", 1)
    with pytest.raises(WrongState) as refused:
        await letters.replay((await _only(letters))["id"])
    assert refused.value.detail == {"reason": "CANNOT_DECRYPT"}


async def test_an_outage_during_a_replay_is_an_outage_and_says_nothing_of_the_letter(
    letters: DeadLetters, handler: _Handler
) -> None:
    await letters.keep(_message(), "ValueError", 3)
    handler.fails = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        await letters.replay((await _only(letters))["id"])
    assert (await _only(letters))["attempts"] == 3


async def test_an_unknown_letter_is_not_found(letters: DeadLetters) -> None:
    with pytest.raises(NotFound):
        await letters.replay(new_id())
    assert not await letters.has(new_id())


async def test_the_newest_come_first_and_no_more_than_asked_for(letters: DeadLetters) -> None:
    for offset in range(5):
        await letters.keep(_message(offset=offset), "ValueError", 3)
    assert [letter["offset"] for letter in await letters.newest(3)] == [4, 3, 2]
