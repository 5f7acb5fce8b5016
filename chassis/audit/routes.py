"""HTTP in: for admins, who did or saw what."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from chassis.audit.table import AuditFilter, page
from chassis.database import Database
from chassis.errors import Fault, InvalidInput
from chassis.queries import BlankIsAbsent, Moment, ShortText
from chassis.security import Caller, staff

Admin = Annotated[Caller, Depends(staff("admin"))]
Text = Annotated[ShortText | None, BlankIsAbsent(), Query()]


class AuditRow(BaseModel):
    service: str
    id: int
    at: datetime
    subject: str
    acting_as: str
    """Roles, or the source of a partner."""
    token_id: UUID | None
    action: str
    """The operation, as OpenAPI names it."""
    entities: list[str]
    """Ids of orders, care plans and keys, names of accounts: what was changed or shown."""
    address: str
    outcome: int
    """The HTTP status."""


class AuditPage(BaseModel):
    items: list[AuditRow]
    next_cursor: str | None


@dataclass(frozen=True)
class Trail:
    """One service's audit, to be read."""

    service: str
    database: Database

    async def newest(self, wanted: AuditFilter, below: int | None, limit: int) -> list[AuditRow]:
        async with self.database.reading() as db:
            rows = await page(db.connection, wanted, below, limit)
        return [AuditRow(service=self.service, **dict(row)) for row in rows]


def audit_router(trails: Sequence[Trail]) -> APIRouter:
    """`trails`: one service's own, or in the all-in-one every service's."""
    router = APIRouter(prefix="/api/ops/audit", tags=["operations"])

    @router.get("")
    async def list_audit(
        _: Admin,
        subject: Text = None,
        action: Text = None,
        entity: Text = None,
        since: Annotated[Moment, Query(alias="from")] = None,
        before: Annotated[Moment, Query(alias="to")] = None,
        cursor: Text = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> AuditPage:
        """Who did or saw what, when, from where, with what outcome, newest first; never content."""
        wanted, places = AuditFilter(subject, action, entity, since, before), _places(cursor)
        pages = [await trail.newest(wanted, places.get(trail.service), limit + 1) for trail in trails]
        # Merged, not sorted: each service's rows stay in the order of their ids, which the cursor counts on.
        found = list(islice(merge(*pages, key=lambda row: row.at, reverse=True), limit + 1))
        shown = found[:limit]
        places |= {row.service: row.id for row in shown}
        return AuditPage(items=shown, next_cursor=_cursor(places) if len(found) > limit else None)

    return router


def _cursor(places: dict[str, int]) -> str:
    """How far each service's rows were shown."""
    return urlsafe_b64encode(json.dumps(places).encode()).decode().rstrip("=")


def _places(cursor: str | None) -> dict[str, int]:
    try:
        places: Any = json.loads(urlsafe_b64decode(cursor + "==")) if cursor else {}
        if all(isinstance(place, int) and abs(place) < 2**63 for place in places.values()):
            return {str(service): int(place) for service, place in places.items()}
    except (ValueError, AttributeError):
        pass
    raise InvalidInput([Fault("cursor", "VALUE", "This is not a cursor of ours.")])
