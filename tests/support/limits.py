"""A limit on each async test that works inside its event loop: a test that hangs fails, and its fixtures can still be torn down.

pytest-timeout breaks out of the loop from outside; the test's task then lives on, and anyio's runner, which is to tear
the fixtures down, waits for it for ever. So the test is cancelled a little earlier, and says who was waiting for what.
"""

import asyncio
import functools
import io
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

_EARLIER = 10.0
_LEAST = 1.0


class TestHung(AssertionError):
    """The test was still running when its time was over."""

    __test__ = False


def limit_of(item: pytest.Item) -> float:
    """Seconds, setup included, as pytest-timeout counts them."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker and marker.args else item.config.getini("timeout"))


def bounded(test: Callable[..., Awaitable[None]], ends_at: float) -> Callable[..., Awaitable[None]]:
    """`ends_at`: by `time.monotonic()`, when pytest-timeout would strike."""

    @functools.wraps(test)
    async def within(*arguments: Any, **more: Any) -> None:
        seconds = max(_LEAST, ends_at - _EARLIER - time.monotonic())
        running = asyncio.ensure_future(test(*arguments, **more))
        done, _ = await asyncio.wait([running], timeout=seconds)
        if not done:
            waiting = who_waits_for_what()
            running.cancel()
            await asyncio.wait([running], timeout=_EARLIER / 2)
            raise TestHung(f"still running after {seconds:.0f} s\n{waiting}")
        await running

    return within


def who_waits_for_what() -> str:
    """The stacks of all tasks of the loop."""
    written = io.StringIO()
    for task in asyncio.all_tasks():
        task.print_stack(file=written)
    return written.getvalue()
