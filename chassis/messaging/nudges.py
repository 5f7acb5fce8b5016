"""Wake-ups for the embedded broker, whose long polls burn CPU and do not notice new data. Apache Kafka needs none of this.

The relay tells the readers of a topic that there is something to fetch, in its own process and in those of the
all-in-one beside it. Where nobody can tell, readers look more often the shorter ago something came. Measured in docs/decisions.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.pacing import is_set_within

_SHORTEST_FETCH_MS, _LONGEST_FETCH_MS = 1, 512
"""How long the embedded broker may look for something. It looks through the whole log of a partition (12 ms for 20,000 batches), and
answers once it has something, but with nothing when the time is up before. With 0 it never returns data."""
_LOOKS = (0.01, 0.25, 0.05)
"""Without nudges looking is how anything is ever found: after so many seconds at the soonest, at the latest, and for each
second since something came last."""
_LOOKS_FOR_SAFETY = (0.5, 1.0, 1.0)
"""The same, where nudges come."""

_LOOPBACK = "127.0.0.1"


def outbox_of(service: str) -> str:
    """What to listen to for news of a service's outbox, beside topics."""
    return f"outbox of {service}"


class Nudges:
    """A bulletin board: who has written tells who reads. A word that gets lost costs a moment: everybody looks by himself too."""

    def __init__(self) -> None:
        # Weak: a reader that was started again leaves nothing behind.
        self._listeners: dict[str, WeakSet[asyncio.Event]] = defaultdict(WeakSet)
        self._transport: asyncio.DatagramTransport | None = None
        self._others: Sequence[int] = ()

    def listen(self, topics: Iterable[str], nudge: asyncio.Event) -> asyncio.Event:
        """`nudge` is set whenever one of `topics` is told of, as long as anybody holds it."""
        for topic in topics:
            self._listeners[topic].add(nudge)
        return nudge

    def tell(self, topics: Iterable[str]) -> None:
        told = list(topics)
        self._tell_here(told)
        if self._transport:
            for port in self._others:
                self._transport.sendto("\n".join(told).encode(), (_LOOPBACK, port))

    def _tell_here(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for nudge in self._listeners.get(topic, ()):
                nudge.set()

    @asynccontextmanager
    async def shared_with(self, own_port: int, others: Sequence[int]) -> AsyncIterator[None]:
        """While the block runs, other processes of this machine hear what is told here, and the other way round.

        Datagrams on loopback. All that anybody on this machine could do with them is have somebody look in vain.
        """
        hear = self._tell_here

        class _Ear(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _: Any) -> None:
                hear(data.decode("utf-8", "replace").split("\n"))

        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(_Ear, (_LOOPBACK, own_port))
        self._others = others
        try:
            yield
        finally:
            self._transport.close()
            self._transport = None


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """Waits on our side until there is something to fetch, at the latest after a while."""

    def __init__(self, *topics: str, nudge: asyncio.Event | None, gather_seconds: float = 0.0, **settings: Any) -> None:
        super().__init__(*topics, **settings)
        self._nudge = nudge or asyncio.Event()
        self._soonest, self._slowest, self._slope = _LOOKS_FOR_SAFETY if nudge else _LOOKS
        self._gather_seconds = gather_seconds
        self._last_data = 0.0
        self._fetch_ms = _SHORTEST_FETCH_MS
        self._found = self._time_was_up = False
        self._asked_anew = False

    async def start(self) -> None:
        await super().start()
        # aiokafka has no public place to wait before a fetch; a test holds this name to the pinned version.
        self._fetch = self._fetcher._proc_fetch_request  # noqa: SLF001 (see above)
        self._fetcher._proc_fetch_request = self._fetch_patiently  # noqa: SLF001 (see above)

    async def _fetch_patiently(self, assignment: Any, node: int, request: Any) -> bool:
        idle = time.monotonic() - self._last_data
        # An error is neither: it is not asked for again at once.
        behind = (self._found or self._time_was_up) and self._is_behind(assignment, request)
        try:
            told = behind or await is_set_within(
                self._nudge, min(self._slowest, max(self._soonest, idle * self._slope))
            )
            await asyncio.sleep(self._last_data + self._gather_seconds - time.monotonic())
        except asyncio.CancelledError:
            return False  # the group changes or the consumer closes: what the original answers then
        if told and self._leaves_out_some(assignment, request) and not self._asked_anew:
            self._asked_anew = True
            return False  # the next one asks for all, and goes at once: we are still told, or behind
        self._asked_anew = False
        self._nudge.clear()  # before the fetch: who tells during it is heard by the next
        if self._time_was_up:
            self._fetch_ms = self._longer() if behind else self._shorter()
        await self._fetch_timed(assignment, node, request)
        return self._found

    async def _fetch_timed(self, assignment: Any, node: int, request: Any) -> None:
        request._max_wait_ms = self._fetch_ms  # noqa: SLF001 (see above)
        began = time.monotonic()
        self._found = bool(await self._fetch(assignment, node, request))
        ended = time.monotonic()
        self._time_was_up = ended - began >= self._fetch_ms / 1000
        if self._found:
            self._last_data = ended

    def _longer(self) -> int:
        return min(2 * self._fetch_ms, _LONGEST_FETCH_MS)

    def _shorter(self) -> int:
        return max(self._fetch_ms // 2, _SHORTEST_FETCH_MS)

    def _is_behind(self, assignment: Any, request: Any) -> bool:
        """Whether a partition is known to hold more than what was fetched of it."""
        return any(
            offset < (assignment.state_value(TopicPartition(topic, partition)).highwater or 0)
            for topic, partitions in request.topics
            for partition, offset, *_ in partitions
        )

    def _leaves_out_some(self, assignment: Any, request: Any) -> bool:
        """Whether partitions are not asked for that were still being handled when the request was made, and no longer are."""
        asked = sum(len(partitions) for _, partitions in request.topics)
        in_hand = sum(partition in self._fetcher._records for partition in assignment.tps)  # noqa: SLF001 (see above)
        return asked + in_hand < len(assignment.tps)
