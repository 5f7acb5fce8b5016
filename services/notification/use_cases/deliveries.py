"""What was sent, and sending it again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.database import Database, Transaction
from chassis.errors import NotFound, WrongState
from chassis.idempotency import Memo, answer_once
from chassis.security import Caller
from services.notification import storage
from services.notification.storage import DeliveryFilter


@dataclass
class Deliveries:
    database: Database
    wake: Callable[[], None] = lambda: None

    async def listed(
        self, caller: Caller, wanted: DeliveryFilter, limit: int
    ) -> tuple[list[dict[str, Any]], UUID | None]:
        """A page, newest first, and the id to go on from where there is more. A partner sees its own source's only."""
        if caller.is_partner:
            wanted = replace(wanted, source=caller.source)
        async with self.database.reading() as db:
            rows = await storage.deliveries(db, wanted, limit + 1)
        last = rows[limit - 1]["delivery_id"] if len(rows) > limit else None
        return [shown_delivery(row) for row in rows[:limit]], last

    async def resend(self, caller: Caller, memo: Memo | None, delivery_id: UUID) -> Answer:
        """Due now, and for three days more, under the same webhook-id: who has it already knows it by that."""

        async def work(tx: Transaction) -> Answer:
            row = await storage.delivery(tx, delivery_id)
            if row is None or (caller.is_partner and row["source"] != caller.source):
                raise NotFound("There is no such delivery.")
            # The endpoint's row before the delivery's, as senders take them.
            endpoint = await storage.subscription(tx, row["subscription_id"], lock=True)
            if endpoint is None or not endpoint["enabled"]:
                raise WrongState("The subscription is disabled: enable it first.")
            await storage.send_again(tx, delivery_id, row["subscription_id"])
            return Answer(202, json.dumps(shown_delivery(await storage.delivery(tx, delivery_id))), {}, delivery_id)

        answer = await answer_once(self.database, memo, work)
        self.wake()
        return answer


def shown_delivery(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["delivery_id"]),
        "subscription_id": str(row["subscription_id"]),
        "kind": row["kind"],
        "order_id": str(row["order_id"]),
        "status": row["status"],
        "codes": list(row["codes"]),
        "state": row["state"],
        "tries": row["tries"],
        "last_code": row["last_code"],
        "last_http_status": row["last_http_status"],
        "last_tried_at": _written(row["last_tried_at"]),
        "next_try_at": _written(row["due_at"]) if row["state"] == "waiting" else None,
        "delivered_at": _written(row["delivered_at"]),
        "created_at": _written(row["created_at"]),
    }


def _written(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat())
