"""Notification without Kafka: its use cases over a real PostgreSQL, given facts by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.database import Database
from chassis.ids import new_id
from chassis.security import Caller
from schemas.event import Event, Fact
from schemas.generator import CarePlanCompleted, CarePlanFailed
from schemas.intake import OrderReceived
from services.notification.adapters.webhook import WebhookOutlet
from services.notification.domain.subscription import Kind, Outlets, SubscriptionForm
from services.notification.storage import DeliveryFilter
from services.notification.use_cases import Deliveries, Noting, Sending, Subscriptions
from services.notification.use_cases.sending import Outlet
from tests.support import facts
from tests.support.chassis import RING, database_of

ADMIN = Caller("admin", new_id(), 2e9, roles=frozenset({"admin"}))


def partner(source: str = "clinic") -> Caller:
    return Caller(f"partner {source}", new_id(), 2e9, source=source)


@dataclass
class Desk:
    database: Database
    outlets: Mapping[Kind, Outlet]
    jitter: Callable[[], float] = lambda: 0.0
    noting: Noting = field(init=False)
    subscriptions: Subscriptions = field(init=False)
    deliveries: Deliveries = field(init=False)

    def __post_init__(self) -> None:
        self.noting = Noting(self.database)
        can_send = Outlets(mail="email" in self.outlets, allow_loopback=True)
        self.subscriptions = Subscriptions(self.database, RING, can_send)
        self.deliveries = Deliveries(self.database)

    def sender(self, **more: Any) -> Sending:
        return Sending(self.database, RING, self.outlets, safety_poll_seconds=0.02, **{"jitter": self.jitter, **more})

    @asynccontextmanager
    async def sending(self, senders: int = 1, **more: Any) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.sender(**more).run()) for _ in range(senders)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def subscribe(self, caller: Caller = ADMIN, **form: Any) -> dict[str, Any]:
        answer = await self.subscriptions.subscribe(caller, None, SubscriptionForm(**form))
        made: dict[str, Any] = json.loads(answer.body)
        assert answer.status == 201, made
        return made

    async def received(self, source: str = "clinic", external_id: str | None = "PO-7") -> UUID:
        """The id of a new order."""
        order_id = new_id()
        await self.happens(
            OrderReceived(
                order_id=order_id, source=source, external_id=external_id, submitted_at=facts.START, order=facts.order()
            )
        )
        return order_id

    async def happens(self, *told: Fact) -> list[Event]:
        """Read in one poll."""
        events = [Event(new_id(), "test", facts.START, fact) for fact in told]
        await self.noting.note(events)
        return events

    async def fails(self, source: str = "clinic") -> UUID:
        """A new order, whose generation gives up."""
        order_id = await self.received(source)
        await self.happens(failed(order_id))
        return order_id

    async def listed(self, **wanted: Any) -> list[dict[str, Any]]:
        return (await self.deliveries.listed(ADMIN, DeliveryFilter(**wanted), 100))[0]

    async def until(self, state: str, count: int = 1, seconds: float = 45) -> list[dict[str, Any]]:
        """The deliveries in `state`, once there are `count`."""
        async with asyncio.timeout(seconds):
            while len(found := await self.listed(state=state)) < count:
                await asyncio.sleep(0.02)
        return found

    async def tried(self, tries: int) -> dict[str, Any]:
        """The one delivery, once that try has been written down as a failure, as all before it were."""
        async with asyncio.timeout(45):
            while not await self.sql("SELECT FROM subscriptions WHERE failures_in_row >= $1", tries):
                await asyncio.sleep(0.02)
        (shown,) = await self.listed()
        assert shown["tries"] == tries
        return shown

    async def sql(self, statement: str, *args: Any) -> list[Any]:
        async with self.database.transaction() as tx:
            return await tx.fetch(statement, *args)

    async def everything_is_due(self) -> None:
        """As if the pauses of deliveries and endpoints were over."""
        await self.sql("UPDATE deliveries SET due_at = now()")
        await self.sql("UPDATE subscriptions SET rests_until = now()")


def failed(order_id: UUID, attempt: int = 1) -> CarePlanFailed:
    return CarePlanFailed(
        order_id=order_id, attempt=attempt, accepted_at=facts.START, reason="TIMEOUT", message="Try again."
    )


def completed(order_id: UUID) -> CarePlanCompleted:
    return CarePlanCompleted.model_validate(
        {
            "order_id": order_id,
            "attempt": 2,
            "careplan_id": facts.an_id(5),
            "accepted_at": facts.START,
            "careplan": facts.packed_plan(),
        }
    )


@asynccontextmanager
async def desk(owner_url: str, *, mail: Outlet | None = None, timeout_seconds: float = 20) -> AsyncIterator[Desk]:
    database = database_of(owner_url, "notification")
    webhook = WebhookOutlet(allow_loopback=True, timeout_seconds=timeout_seconds)
    outlets: dict[Kind, Outlet] = {"webhook": webhook, **({"email": mail} if mail else {})}
    try:
        yield Desk(database, outlets)
    finally:
        await webhook.close()
        await database.close()
