"""From a poll of messages to one transaction: what cannot be handled is put aside, and everything else goes on.

one poll ──> decode ──> handle(all, in one transaction) ──> the caller commits the offsets
│             └─ fails: one by one, three times each ──> dead letter
└─ not an event: dead letter
Only "my database is away" holds a partition up, for as long as it lasts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from chassis.database import COLLISIONS, OUTAGES
from chassis.messaging.codec import Codec, Undecodable
from chassis.messaging.dead_letters import DeadLetters, Handle, Message
from chassis.metrics import EVENT_FAILURES, EVENTS_HANDLED, MESSAGES_PASSED, POLL_SECONDS
from chassis.telemetry import Tracing, is_sampled, log
from schemas.event import Event, Fact

_ATTEMPTS = 3
_OUTAGE_PAUSE_SECONDS = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Consumer:
    """What one service does with what it reads. `facts` are those it cares for; others pass by."""

    service: str
    codec: Codec
    facts: tuple[type[Fact], ...]
    handle: Handle
    dead_letters: DeadLetters
    tracing: Tracing

    async def receive(self, messages: Sequence[Message]) -> None:
        """Returns when each message has had its effect or is a dead letter; raises only where it cannot even be kept."""
        readable: list[tuple[Message, Event]] = []
        for message in messages:
            try:
                event = self.codec.decode(message.headers, message.value, self.facts)
            except Undecodable as error:
                reason, places = error.reason, error.places
                await self._through_outages(lambda m=message, r=reason, p=places: self.dead_letters.keep(m, r, 1, p))  # type: ignore[misc]
                continue
            if event is not None:
                readable.append((message, event))
        if readable:
            with POLL_SECONDS.labels(self.service).time():
                await self._handle_all(readable)
            EVENTS_HANDLED.labels(self.service).inc(len(readable))
        MESSAGES_PASSED.labels(self.service).inc(len(messages))

    async def _handle_all(self, readable: Sequence[tuple[Message, Event]]) -> None:
        try:
            await self._through_outages(lambda: self._traced([event for _, event in readable]))
        except Exception as error:
            if len(readable) > 1:
                log.warning("batch.failed", service=self.service, events=len(readable), exc=error)
            for message, event in readable:
                await self._handle_one(message, event)

    async def _handle_one(self, message: Message, event: Event) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._through_outages(lambda: self._traced([event]))
                return
            except Exception as error:
                failure = error
                EVENT_FAILURES.labels(self.service).inc()
                log.warning("event.failed", event_id=str(event.id), type=event.type, attempt=attempt, exc=error)
                await asyncio.sleep(0.05 * attempt)
        await self._through_outages(lambda: self.dead_letters.keep(message, type(failure).__name__, _ATTEMPTS))

    async def _traced(self, events: Sequence[Event]) -> None:
        """Handles them below a span of each sampled order's trace, the last one current."""
        with ExitStack() as spans:
            for event in events:
                if is_sampled(event.trace):
                    about = {"order.id": str(event.subject)}
                    name = f"{self.service} {event.type}"
                    spans.enter_context(self.tracing.span(name, SpanKind.CONSUMER, event.trace, about))
            await self.handle(events)

    async def _through_outages(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs `work`, again and again while the database is away; collisions run again at once."""
        pauses = 0
        while True:
            try:
                return await work()
            except COLLISIONS:
                pauses += 1
                await asyncio.sleep(0.01 * min(pauses, 20))
            except OUTAGES as error:
                pause = _OUTAGE_PAUSE_SECONDS[min(pauses, len(_OUTAGE_PAUSE_SECONDS) - 1)]
                pauses += 1
                log.warning("database.away", service=self.service, exc=error)
                await asyncio.sleep(pause)
