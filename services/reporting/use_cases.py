"""What reporting does: keep the read model, and answer from it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.audit.entry import saw
from chassis.database import Database
from chassis.errors import NotFound
from chassis.ids import made_at
from chassis.security import Caller
from schemas.careplan import unpack
from schemas.event import Event
from schemas.order import Order
from services.reporting import storage
from services.reporting.domain.plan_document import PlanDocument, PlanVersion
from services.reporting.domain.read_model import change_of, merged, merged_versions, version_of
from services.reporting.domain.views import shown_careplan, shown_order
from services.reporting.live_list import LiveList
from services.reporting.storage import Filter

_JUST_MADE = timedelta(seconds=60)
_CATCHING_UP_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 0)


@dataclass(frozen=True)
class Reporting:
    database: Database
    live_list: LiveList

    async def take_in(self, events: Sequence[Event]) -> None:
        async with self.database.transaction() as tx:
            new = await tx.first_time(events)
            if not new:
                return
            await storage.merge_orders(tx, merged(change_of(event) for event in new))
            versions = merged_versions(version for event in new if (version := version_of(event)))
            await storage.merge_versions(tx, versions)
        self.live_list.tell(event.data.order_id for event in new)

    async def search(self, caller: Caller, wanted: Filter, limit: int) -> tuple[list[dict[str, Any]], UUID | None]:
        """A page, and the id to go on from where there is more. A partner finds its own source's orders only."""
        if caller.is_partner:
            wanted = replace(wanted, source=caller.source)
        async with self.database.reading() as db:
            rows = await storage.page_of_orders(db, wanted, limit + 1)
        saw(*(row["order_id"] for row in rows[:limit]))
        shown = [shown_order(row, for_partner=caller.is_partner) for row in rows[:limit]]
        return shown, rows[limit - 1]["order_id"] if len(rows) > limit else None

    async def careplan(self, caller: Caller, careplan_id: UUID, version: int | None = None) -> dict[str, Any]:
        """One care plan as shown, in its current version or in an earlier one. NotFound where it is not the caller's."""
        row, versions = await self._careplan(caller, careplan_id, version)
        return shown_careplan(row, unpack(row["careplan"]), _order_in(row), versions)

    async def document(self, caller: Caller, careplan_id: UUID) -> PlanDocument:
        """One care plan for a download. NotFound where it is not the caller's."""
        row, versions = await self._careplan(caller, careplan_id)
        return PlanDocument(
            careplan_id=row["careplan_id"],
            order_id=row["order_id"],
            version=row["version"],
            review=row["review"],
            order=_order_in(row),
            plan=unpack(row["careplan"]),
            versions=tuple(PlanVersion(**version) for version in versions),
        )

    async def _caught_up(self, careplan_id: UUID, version: int | None) -> tuple[Any, list[Any]] | None:
        """The plan as the read model has it. One that was made just now may still be on its way here: who has read at
        intake that it is completed is not told that it does not exist.
        """
        for pause in _CATCHING_UP_SECONDS:
            async with self.database.snapshot() as db:
                found = await storage.careplan_by_id(db, careplan_id, version)
            if found is not None or abs(datetime.now(UTC) - made_at(careplan_id)) > _JUST_MADE:
                return found
            await asyncio.sleep(pause)
        return None

    async def _careplan(self, caller: Caller, careplan_id: UUID, version: int | None = None) -> tuple[Any, list[Any]]:
        found = await self._caught_up(careplan_id, version)
        if found is None or (caller.is_partner and found[0]["source"] != caller.source):
            raise NotFound("There is no such care plan.")
        saw(found[0]["order_id"])
        return found

    def report(self, wanted: Filter) -> AsyncIterator[Any]:
        return storage.report_rows(self.database, wanted)

    async def summary(self, wanted: Filter) -> dict[str, Any]:
        async with self.database.snapshot() as db:
            return await storage.summary(db, wanted)


def _order_in(row: Any) -> Order:
    """As reporting keeps it: without the records."""
    return Order.model_validate(json.loads(row["order_body"]) | {"patient_records": ""})
