"""Group commit: who arrives together is saved together, and nobody pays for another's fault."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from chassis.batches import Batches

pytestmark = pytest.mark.anyio


class _Away(Exception):
    pass


class _Store:
    """Saves numbers, doubled. Negative ones are bad; `gate` holds a transaction open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False
        self.answers_one_too_few = False

    async def save(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        if self.away:
            raise _Away
        if any(item < 0 for item in items):
            raise ValueError("a bad item")
        return [item * 2 for item in items][: -1 if self.answers_one_too_few else None]


async def test_those_who_arrive_together_share_one_save_and_get_their_own_results() -> None:
    store = _Store()
    batches = Batches(store.save)
    assert await asyncio.gather(*(batches.submit(n) for n in range(50))) == [n * 2 for n in range(50)]
    assert store.batches == [list(range(50))]


async def test_those_who_arrive_while_one_is_saved_share_the_next() -> None:
    store = _Store()
    store.gate.clear()
    batches = Batches(store.save)
    first = asyncio.create_task(batches.submit(0))
    while not store.batches:
        await asyncio.sleep(0)
    later = [asyncio.create_task(batches.submit(n)) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(first, *later) == [0, 2, 4, 6]
    assert store.batches == [[0], [1, 2, 3]]


async def test_a_batch_is_never_larger_than_the_largest() -> None:
    store = _Store()
    batches = Batches(store.save, largest=10)
    await asyncio.gather(*(batches.submit(n) for n in range(25)))
    assert [len(batch) for batch in store.batches] == [10, 10, 5]


async def test_one_bad_item_fails_alone() -> None:
    store = _Store()
    batches = Batches(store.save)
    good, bad, other = await asyncio.gather(*(batches.submit(n) for n in (1, -1, 2)), return_exceptions=True)
    assert (good, other) == (2, 4)
    assert isinstance(bad, ValueError)
    assert store.batches == [[1, -1, 2], [1], [-1], [2]]


async def test_a_shared_failure_is_answered_to_all_at_once() -> None:
    store = _Store()
    store.away = True
    batches = Batches(store.save, shared_failures=(_Away,))
    answers = await asyncio.gather(*(batches.submit(n) for n in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [_Away] * 5
    assert len(store.batches) == 1


async def test_after_a_failure_the_next_are_saved() -> None:
    store = _Store()
    store.away = True
    batches = Batches(store.save, shared_failures=(_Away,))
    with pytest.raises(_Away):
        await batches.submit(1)
    store.away = False
    assert await batches.submit(2) == 4


async def test_a_caller_that_goes_away_cancels_neither_the_others_nor_its_own_item() -> None:
    store = _Store()
    store.gate.clear()
    batches = Batches(store.save)
    gone, stays = asyncio.create_task(batches.submit(1)), asyncio.create_task(batches.submit(2))
    while not store.batches:
        await asyncio.sleep(0)
    gone.cancel()
    store.gate.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert store.batches == [[1, 2]]


async def test_a_failure_that_nobody_waits_for_any_more_is_not_complained_about() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    store = _Store()
    store.gate.clear()
    batches = Batches(store.save)
    gone = asyncio.create_task(batches.submit(-1))
    while not store.batches:
        await asyncio.sleep(0)
    gone.cancel()
    store.gate.set()
    assert await batches.submit(2) == 4
    del gone
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


async def test_a_save_that_answers_too_few_fails_and_does_not_leave_the_others_waiting() -> None:
    store = _Store()
    store.answers_one_too_few = True
    batches = Batches(store.save)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(batches.submit(n) for n in (1, 2)), return_exceptions=True)
        assert any(isinstance(answer, ValueError) for answer in answers)
        store.answers_one_too_few = False
        assert await batches.submit(3) == 6


async def test_a_save_that_is_cancelled_does_not_leave_its_callers_waiting() -> None:
    async def save(_: Sequence[int]) -> list[int]:
        raise asyncio.CancelledError

    batches = Batches(save)
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await batches.submit(1)
        with pytest.raises(asyncio.CancelledError):
            await batches.submit(2)
