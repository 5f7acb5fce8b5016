"""How often somebody may ask. Each process counts on its own: with three replicas behind a gateway a caller may thrice as much."""

import math
import time
from dataclasses import dataclass, field

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from chassis.errors import RateLimited


def readable_limit(text: str) -> str:
    """`text`, or ValueError: `300/second`, `6000 per minute`; nothing at all for no limit."""
    if text.strip():
        try:
            parse(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a limit like 300/second") from None
    return text.strip()


@dataclass
class RateLimit:
    """So many requests of one caller in a window that slides."""

    limit: RateLimitItem
    _counter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )

    @classmethod
    def of(cls, text: str) -> "RateLimit | None":
        """None: no limit."""
        return cls(parse(text)) if text else None

    async def count(self, caller: str) -> None:
        """RateLimited, with the seconds to wait, where it is one too many."""
        if not await self._counter.hit(self.limit, caller):
            stats = await self._counter.get_window_stats(self.limit, caller)
            raise RateLimited(_seconds_until(stats.reset_time))


@dataclass
class FailureLimit:
    """So many failures in a window. What succeeds does not count, so it is asked before and told after."""

    limit: RateLimitItem
    _window: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    @classmethod
    def of(cls, text: str) -> "FailureLimit":
        return cls(parse(text))

    async def check(self, who: str) -> None:
        """RateLimited, with the seconds to wait, after too many."""
        if not await self._window.test(self.limit, who):
            stats = await self._window.get_window_stats(self.limit, who)
            raise RateLimited(_seconds_until(stats.reset_time))

    async def failed(self, who: str) -> None:
        await self._window.hit(self.limit, who)

    async def forgive(self, who: str) -> None:
        await self._window.clear(self.limit, who)


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))
