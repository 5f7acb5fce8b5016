"""Loops that run as long as the service does: the relay, the consumer, the workers, the reconciler."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from chassis.metrics import LOOP_RESTARTS
from chassis.telemetry import log

_PAUSE_SECONDS = 0.5


async def keep_running(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Runs `loop` for ever; one that raises is logged and started again after a short, uneven pause."""
    while True:
        try:
            await loop()
        except (Exception, asyncio.CancelledError) as error:
            if is_told_to_stop():
                raise
            LOOP_RESTARTS.labels(name).inc()
            log.warning("background.restarts", loop=name, exc=error)
        await asyncio.sleep(_PAUSE_SECONDS * (1 + random.random()))  # noqa: S311 (spreads replicas; no secret)


def is_told_to_stop() -> bool:
    """Whether somebody has cancelled this very task. Libraries let the cancellation of tasks of their own out, too."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def hear(done: "asyncio.Future[Any]") -> None:
    """A callback for what may end when nobody looks at it any more: asyncio would print its exception, values and all."""
    if not done.cancelled():
        done.exception()


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await work()
