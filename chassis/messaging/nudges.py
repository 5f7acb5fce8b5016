"""Wake-ups for the embedded broker, whose long polls burn CPU and do not notice new data. Apache Kafka needs none of this.

In one process the relay tells the readers of a topic that there is something to fetch. Across processes nobody can
tell, and readers look more often the shorter ago something came. Measured in docs/decisions.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from aiokafka import AIOKafkaConsumer

_SHORTEST_FETCH_MS = 5
"""With 0 the embedded broker never returns data."""


class Nudges:
    """The bulletin board of one process: who has written tells who reads."""

    def __init__(self) -> None:
        # Weak: a reader that was started again leaves nothing behind.
        self._readers: dict[str, WeakSet[asyncio.Event]] = defaultdict(WeakSet)

    def reader_of(self, topics: Iterable[str]) -> asyncio.Event:
        nudge = asyncio.Event()
        for topic in topics:
            self._readers[topic].add(nudge)
        return nudge

    def tell(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for nudge in self._readers.get(topic, ()):
                nudge.set()


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """Waits on our side until there is something to fetch, at the latest after a while."""

    def __init__(self, *topics: str, nudge: asyncio.Event | None, **settings: Any) -> None:
        super().__init__(*topics, fetch_max_wait_ms=_SHORTEST_FETCH_MS, **settings)
        self._nudge = nudge or asyncio.Event()
        # With nudges the look is a safety net; without, it is how anything is ever found.
        self._soonest, self._slowest, self._slope = (0.05, 1.0, 1.0) if nudge else (0.01, 0.25, 0.05)
        self._last_data = 0.0

    async def start(self) -> None:
        await super().start()
        # aiokafka has no public place to wait before a fetch; a test holds this name to the pinned version.
        self._fetch = self._fetcher._proc_fetch_request  # noqa: SLF001 (see above)
        self._fetcher._proc_fetch_request = self._fetch_patiently  # noqa: SLF001 (see above)

    async def _fetch_patiently(self, assignment: Any, node: int, request: Any) -> bool:
        idle = time.monotonic() - self._last_data
        try:
            async with asyncio.timeout(min(self._slowest, max(self._soonest, idle * self._slope))):
                await self._nudge.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            return False  # the group changes or the consumer closes: what the original answers then
        self._nudge.clear()  # before the fetch: who tells during it is heard by the next
        found = bool(await self._fetch(assignment, node, request))
        if found:
            self._last_data = time.monotonic()
        return found
