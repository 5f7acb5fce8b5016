"""How loops wait, and requests for each other."""

import asyncio

import pytest

from chassis.pacing import in_step, is_set_within, pause_after
from tests.support.chassis import stops_when_told

pytestmark = pytest.mark.anyio


def test_the_pause_grows_with_what_was_handled_up_to_a_limit() -> None:
    assert pause_after(0) == 0
    assert pause_after(1) < pause_after(10) < pause_after(1_000) == pause_after(2_000)
    assert pause_after(1_000, longest_seconds=0.01) == 0.01


async def test_what_came_together_is_done_in_a_row_from_there() -> None:
    done: list[str] = []

    async def request(name: str) -> None:
        done.append(f"{name} comes")
        await in_step()
        done.append(f"{name} goes on")

    await asyncio.gather(request("one"), request("other"))
    assert done == ["one comes", "other comes", "one goes on", "other goes on"]


async def test_waiting_says_whether_it_was_set() -> None:
    event = asyncio.Event()
    assert not await is_set_within(event, 0.01)
    event.set()
    assert await is_set_within(event, 0.01)


@pytest.mark.parametrize("steps", range(6))
async def test_a_loop_that_is_told_to_stop_in_the_moment_of_being_woken_stops(steps: int) -> None:
    event = asyncio.Event()

    async def loop() -> None:
        while True:
            event.clear()
            await is_set_within(event, 60)

    assert await stops_when_told(loop(), event, steps)
