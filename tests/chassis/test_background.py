"""Loops that run as long as the service does."""

import asyncio

import pytest

from chassis import background
from chassis.background import keep_running
from tests.support.chassis import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("end", [ValueError, asyncio.CancelledError])
async def test_a_loop_that_ends_is_started_again_also_where_a_librarys_own_cancellation_came_out(
    end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_PAUSE_SECONDS", 0.0)
    starts: list[int] = []

    async def loop() -> None:
        starts.append(1)
        raise end

    running = asyncio.create_task(keep_running("loop", loop))
    await until(lambda: len(starts) > 2)
    running.cancel()
    await asyncio.wait([running], timeout=20)
    assert running.cancelled()


async def test_who_is_cancelled_ends() -> None:
    began = asyncio.Event()

    async def loop() -> None:
        began.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(keep_running("loop", loop))
    await began.wait()
    running.cancel()
    await asyncio.wait([running], timeout=20)
    assert running.cancelled()
