"""Sending: each endpoint is a lane of its own, leased to one sender, with one delivery at a time in it.

    lease the lanes where something is due ──> take the next delivery ──> try it ──> write how it ended ──┐
                                                      ^                                                    │
                                                      └──────── until nothing is due, or a try fails <─────┘

A lane whose endpoint fails rests: a dead endpoint costs one short try a rest, and holds up nobody else's deliveries.
Nothing is held open during a try: each arrow that writes is a transaction of its own, fenced by the lane's generation.
A delivery is sent at least once; its id is the same at every try.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from opentelemetry.trace import SpanKind

from chassis.crypto import CannotOpen, Keyring
from chassis.database import COLLISIONS, OUTAGES, Database
from chassis.pacing import is_set_within
from chassis.telemetry import UNTRACED, Tracing, log
from services.notification import storage
from services.notification.domain.message import Told
from services.notification.domain.outcome import Outcome
from services.notification.domain.schedule import next_try, rest
from services.notification.domain.subscription import Kind
from services.notification.metrics import DELIVERIES_OLDEST, DELIVERY_TRIES
from services.notification.storage import Lane, Try

_OUTAGE_PAUSE_SECONDS = 0.5
_FORGET_PAGE = 1_000


class Outlet(Protocol):
    """A way out of the house. Every way in which the other side can fail is an Outcome; what is raised is a defect."""

    async def send(self, address: str, told: Told, secrets: Sequence[bytes]) -> Outcome: ...
    async def close(self) -> None: ...


@dataclass
class Sending:
    database: Database
    keyring: Keyring
    outlets: Mapping[Kind, Outlet]
    endpoints_at_once: int = 32
    lease: timedelta = timedelta(seconds=60)
    """Longer than any try."""
    most_in_a_row: int = 100
    """Then the lane is given back, so that busy endpoints take turns."""
    safety_poll_seconds: float = 2.0
    jitter: Callable[[], float] = random.random
    tracing: Tracing = UNTRACED
    _running: dict[UUID, "asyncio.Task[None]"] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """There is something new to send, or room to send in."""
        self._wake.set()

    # ── the loop ───────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._start_what_is_due()
                except (*OUTAGES, *COLLISIONS) as error:
                    log.warning("lanes.not_leased", exc=error)
                    await asyncio.sleep(_OUTAGE_PAUSE_SECONDS)
        finally:
            for task in list(self._running.values()):
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            for outlet in self.outlets.values():
                await outlet.close()

    async def _start_what_is_due(self) -> None:
        self._wake.clear()
        room = self.endpoints_at_once - len(self._running)
        lanes = await self._lease(room) if room > 0 else []
        for lane in lanes:
            self._start(lane)
        if len(lanes) < room or room <= 0:
            await self._until_something_is_due()

    async def _lease(self, room: int) -> list[Lane]:
        async with self.database.transaction() as tx:
            return await storage.lease_lanes(tx, room, self.lease)

    def _start(self, lane: Lane) -> None:
        if lane.subscription_id in self._running:  # it lost its lease, to ourselves
            self._running[lane.subscription_id].cancel()
        task = asyncio.create_task(self._serve_and_release(lane))
        self._running[lane.subscription_id] = task
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: Lane, task: "asyncio.Task[None]") -> None:
        if self._running.get(lane.subscription_id) is task:
            del self._running[lane.subscription_id]
        self._wake.set()

    async def _serve_and_release(self, lane: Lane) -> None:
        try:
            await self.serve(lane)
            async with self.database.transaction() as tx:
                await storage.release(tx, lane)
        except Exception as error:  # noqa: BLE001 (one lane's trouble is its own; it is due again when the lease ends)
            log.error("lane.failed", subscription_id=str(lane.subscription_id), exc=error)

    async def _until_something_is_due(self) -> None:
        seconds = self.safety_poll_seconds
        if len(self._running) < self.endpoints_at_once:
            async with self.database.reading() as db:
                until_next = await storage.seconds_to_next(db)
            if until_next is not None:
                seconds = min(seconds, max(0.02, until_next))
        await is_set_within(self._wake, seconds)

    # ── one lane ───────────────────────────────────────────────────────────────────────────────────────────────

    async def serve(self, lane: Lane) -> None:
        """Sends what is due there, one after the other, until nothing is, a try fails, or it has had its turn."""
        for _ in range(self.most_in_a_row):
            async with self.database.transaction() as tx:
                taken = await storage.take_next(tx, lane, self.lease)
            if taken is None:
                return
            if not await self._try(taken):
                return

    async def _try(self, taken: Try) -> bool:
        """One try, in the trace of its order. False: the lane rests, or is another sender's by now."""
        happening = taken.told.happening
        about = {"order.id": str(happening.order_id)}
        with self.tracing.span(f"notification {taken.kind}", SpanKind.CLIENT, happening.trace, about) as span:
            outcome = await self._send(taken)
            span.set_attribute("outcome", outcome.code)
            return await self._settle(taken, outcome) and outcome.delivered

    async def _send(self, taken: Try) -> Outcome:
        outlet = self.outlets.get(taken.kind)
        if outlet is None:
            return Outcome("NO_MAIL_SERVER")
        try:
            secrets = self._opened(taken)
        except CannotOpen:
            return Outcome("SECRET_UNREADABLE")
        return await outlet.send(taken.address, taken.told, secrets)

    def _opened(self, taken: Try) -> list[bytes]:
        bound_to = taken.lane.subscription_id.bytes
        return [self.keyring.open(secret.key_id, secret.sealed, bound_to) for secret in taken.secrets]

    async def _settle(self, taken: Try, outcome: Outcome) -> bool:
        async with self.database.transaction() as tx:
            now = await tx.fetchval("SELECT now()")
            rests = rest(taken.failures_in_row + 1, self.jitter(), outcome.retry_after)
            written = await storage.settle(tx, taken, outcome, self._again_at(taken, outcome, now), rests)
        DELIVERY_TRIES.labels(taken.kind, outcome.code).inc()
        log.info(
            "delivery.tried" if written else "delivery.lost_lease",
            delivery_id=str(taken.told.delivery_id),
            order_id=str(taken.told.happening.order_id),
            outcome=outcome.code,
            http_status=outcome.http_status,
            tries=taken.tries,
        )
        return written

    def _again_at(self, taken: Try, outcome: Outcome, now: datetime) -> datetime | None:
        if outcome.delivered or outcome.gone:
            return None
        return next_try(now, taken.tries, taken.gives_up_at, self.jitter(), outcome.retry_after)

    # ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def measure(self) -> None:
        async with self.database.reading() as db:
            DELIVERIES_OLDEST.set(await storage.oldest_waiting_seconds(db))

    # ── cleaning up ────────────────────────────────────────────────────────────────────────────────────────────

    async def tidy(self, kept_for: timedelta) -> None:
        """Ends what nobody tried to its end (its subscription was disabled), and forgets what is long over."""
        async with self.database.transaction() as tx:
            await storage.give_up_overdue(tx)
        while True:
            async with self.database.transaction() as tx:
                if await storage.forget(tx, kept_for, _FORGET_PAGE) == 0:
                    return
