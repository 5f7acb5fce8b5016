"""What notification does with the events of a poll: note what happened, and write a delivery for each subscriber.

Topics have no order between them: something can happen to an order before we read that it came in. It is noted then,
and told when the order is known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chassis.database import Database
from chassis.telemetry import log
from schemas.event import Event
from schemas.intake import OrderReceived
from services.notification import storage
from services.notification.domain.happening import happening_of
from services.notification.storage import KnownOrder


@dataclass
class Noting:
    database: Database
    wake: Callable[[], None] = lambda: None
    """Tells the senders of this process that there is something to send."""

    async def note(self, events: Sequence[Event]) -> None:
        async with self.database.transaction() as tx:
            new = await tx.first_time(events)
            if not new:
                return
            happenings = [happening for event in new if (happening := happening_of(event))]
            await storage.merge_orders(tx, [_known_order(event) for event in new])
            if happenings:
                await storage.note(tx, happenings)
            deliveries = await storage.add_deliveries(tx, [event.subject for event in new])
        if deliveries:
            log.info("deliveries.added", deliveries=deliveries)
            self.wake()


def _known_order(event: Event) -> KnownOrder:
    match event.data:
        case OrderReceived() as fact:
            return KnownOrder(fact.order_id, fact.source, fact.external_id)
        case _:
            return KnownOrder(event.subject)
