"""A service put together: its database, its way into and out of Kafka, its loops, its HTTP application.

`main.py` of each service builds its use cases from `Parts` and hands them to `assemble`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI

from chassis import metrics, ops
from chassis.audit.recorder import Recorder
from chassis.audit.routes import Trail, audit_router
from chassis.audit.seals import Sealer
from chassis.background import every, keep_running
from chassis.cleanup import Cleanup
from chassis.crypto import Keyring
from chassis.database import Database
from chassis.measurements import Measurements
from chassis.messaging.codec import Codec
from chassis.messaging.consumer import Consumer
from chassis.messaging.dead_letters import DeadLetters, Handle
from chassis.messaging.kafka import Reader, administrator, ensure_topics, onlooker, producer
from chassis.messaging.lost_log import LostLog
from chassis.messaging.nudges import Nudges, outbox_of
from chassis.messaging.outbox import Relay
from chassis.pacing import is_set_within
from chassis.rate_limits import RateLimit
from chassis.revocation import Revocations
from chassis.security import TokenVerifier
from chassis.settings import ServiceSettings
from chassis.telemetry import Tracing, log
from chassis.web import create_app
from schemas.event import Event, Fact
from schemas.intake import AccessRevoked
from schemas.topics import ACCESS, ALL, FACT_OF, Topic

_DRAIN_SECONDS = 10.0
_LOST_LOG_SECONDS = 3.0
_CLEANUP_SECONDS = 3600.0


@dataclass(frozen=True)
class Parts:
    """What every service is built from."""

    service: str
    settings: ServiceSettings
    keyring: Keyring
    codec: Codec
    database: Database
    revocations: Revocations
    tokens: TokenVerifier
    audit: Recorder
    tracing: Tracing
    nudges: Nudges

    @classmethod
    def of(cls, service: str, settings: ServiceSettings, nudges: Nudges | None = None) -> "Parts":
        """`nudges` are shared by the services of one process; without them each has its own."""
        keyring = settings.keyring
        codec = Codec(service, keyring)
        database = Database(settings.database_url, codec, settings.database_connections)
        revocations = Revocations(database)
        return cls(
            service=service,
            settings=settings,
            keyring=keyring,
            codec=codec,
            database=database,
            revocations=revocations,
            tokens=TokenVerifier(settings.token_public_keys, revocations.is_revoked),
            audit=Recorder(database),
            tracing=Tracing(service, settings.trace_sample, settings.otlp_endpoint),
            nudges=nudges or Nudges(),
        )


@dataclass(frozen=True)
class Subscription:
    """What a service reads from Kafka, and what it does with it: `handlers.py` of each service holds its one."""

    topics: tuple[Topic, ...]
    facts: tuple[type[Fact], ...]
    handle: Handle
    gather_seconds: float = 0.0
    """How long events may wait for others to be handled with, where nobody waits for what becomes of them."""

    def with_access(self, revocations: Revocations) -> "Subscription":
        """What every service but intake, who writes it, reads besides: which credentials are no longer good."""

        async def handle(events: Sequence[Event]) -> None:
            revoked = [event for event in events if isinstance(event.data, AccessRevoked)]
            others = [event for event in events if not isinstance(event.data, AccessRevoked)]
            if revoked:
                await revocations.note(revoked)
            if others:
                await self.handle(others)

        return Subscription((*self.topics, ACCESS), (*self.facts, AccessRevoked), handle, self.gather_seconds)


Loop = Callable[[], Awaitable[None]]


@dataclass
class _Running:
    """The loops of a service while its application lives."""

    parts: Parts
    consumer: Consumer
    subscription: Subscription
    request_loops: Sequence[tuple[str, Loop]]
    event_loops: Sequence[tuple[str, Loop]]
    measurements: Measurements
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        loops = [*self._for_requests(), *self._for_events()]
        self._tasks = [asyncio.create_task(keep_running(name, loop)) for name, loop in loops]

    def _for_requests(self) -> list[tuple[str, Loop]]:
        """What a process needs that answers requests."""
        if self.parts.settings.runs == "events":
            return []
        return [
            ("revocations", self.parts.revocations.run),
            ("audit", self.parts.audit.run),
            *([("doorbell", self._tell_of_the_outbox)] if self.parts.settings.runs == "requests" else []),
            *self.request_loops,
        ]

    def _for_events(self) -> list[tuple[str, Loop]]:
        if self.parts.settings.runs == "requests":
            self.drained.set()
            return []
        return [
            ("reader", self._read),
            ("relay", self._relay),
            ("lost log", self._watch_log),
            ("measurements", self.measurements.run),
            ("cleanup", self._clean_up),
            ("audit seals", Sealer(self.parts.service, self.parts.database).run),
            *self.event_loops,
        ]

    async def _read(self) -> None:
        reader = Reader(
            self.parts.settings,
            self.parts.service,
            self.subscription.topics,
            self.consumer.receive,
            self.stopping,
            self.parts.nudges,
            [name for name, fact in FACT_OF.items() if fact in self.subscription.facts],
            self.subscription.gather_seconds,
        )
        if not self.stopping.is_set():
            await reader.run()
        self.drained.set()
        await asyncio.Event().wait()  # stopping: nothing more to read

    async def _tell_of_the_outbox(self) -> None:
        """The relay is in another process."""
        filled = self.parts.database.outbox_filled
        while True:
            await filled.wait()
            filled.clear()
            self.parts.nudges.tell([outbox_of(self.parts.service)])

    async def _relay(self) -> None:
        self.parts.nudges.listen([outbox_of(self.parts.service)], self.parts.database.outbox_filled)
        await ensure_topics(self.parts.settings, await self._topics_written())
        async with producer(self.parts.settings) as sender:
            await Relay(self.parts.database, sender, self.parts.nudges).run()

    async def _watch_log(self) -> None:
        mine = await self._topics_written()
        await ensure_topics(self.parts.settings, mine)
        async with onlooker(self.parts.settings) as consumer, administrator(self.parts.settings) as admin:
            lost_log = LostLog(self.parts.database, consumer, admin, mine)
            while True:
                await lost_log.check()
                await asyncio.sleep(_LOST_LOG_SECONDS)

    async def _topics_written(self) -> list[Topic]:
        """Waits for ever where there are none."""
        mine = [topic for topic in ALL if topic.writer == self.parts.service]
        if not mine:
            await asyncio.Event().wait()
        return mine

    async def _clean_up(self) -> None:
        cleanup = Cleanup(self.parts.database, self.parts.settings.keep_sent_days)
        await every(_CLEANUP_SECONDS, cleanup.run)

    async def stop(self) -> None:
        """Lets the poll in hand finish and commit; everything else is safe to cut off."""
        self.stopping.set()
        if not await is_set_within(self.drained, _DRAIN_SECONDS):
            log.warning("service.not_drained", service=self.parts.service)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def assemble(
    parts: Parts,
    subscription: Subscription,
    routers: Sequence[APIRouter],
    *,
    request_loops: Sequence[tuple[str, Loop]] = (),
    event_loops: Sequence[tuple[str, Loop]] = (),
    has_jobs: bool = False,
) -> FastAPI:
    """The service's application. Starting it starts its loops; it starts while database and broker are still away.

    `request_loops` run where requests are answered, `event_loops` where events are handled: mostly the same process. One that
    is there for events only answers who asks for its health and its metrics.
    """
    if parts.service in ACCESS.readers:
        subscription = subscription.with_access(parts.revocations)
    trail = Trail(parts.service, parts.database)
    dead_letters = DeadLetters(parts.service, parts.database, parts.codec, parts.keyring, subscription.handle)
    consumer = Consumer(
        parts.service, parts.codec, subscription.facts, subscription.handle, dead_letters, parts.tracing
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        measurements = Measurements(parts.service, parts.database, has_jobs)
        running = _Running(parts, consumer, subscription, request_loops, event_loops, measurements)
        await parts.revocations.load_before_serving()
        await running.start()
        metrics.begin(parts.service)
        log.info("service.started", service=parts.service)
        yield
        await running.stop()
        await parts.audit.close()
        await parts.database.close()
        parts.tracing.shutdown()
        log.info("service.stopped", service=parts.service)

    app = create_app(
        parts.service,
        [*routers, ops.router([dead_letters]), audit_router([trail])] if parts.settings.runs != "events" else [],
        database=parts.database,
        tokens=parts.tokens,
        tracing=parts.tracing,
        audit=parts.audit,
        rate_limit=RateLimit.of(parts.settings.rate_limit),
        lifespan=lifespan,
        metrics_token=parts.settings.metrics_token,
    )
    app.state.dead_letters = dead_letters
    app.state.trail = trail
    return app
