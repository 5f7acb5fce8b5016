"""HTTP in: search, one care plan, downloads, the pharma report, the figures."""

import base64
import json
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from chassis.errors import Fault, InvalidInput, NotFound
from chassis.security import Caller, staff, staff_or_partner
from schemas.order import OrderStatus
from services.reporting.adapters.csv_report import csv_report
from services.reporting.domain.read_model import folded
from services.reporting.storage import Filter
from services.reporting.use_cases import Reporting

Reader = Annotated[Caller, Depends(staff_or_partner("assistant", "pharmacist"))]
Analyst = Annotated[Caller, Depends(staff("analyst"))]
Format = Literal["txt", "json"]


def careplan_id_of(careplan_id: str) -> UUID:
    try:
        return UUID(careplan_id)
    except ValueError:
        raise NotFound("There is no such care plan.") from None


CarePlanId = Annotated[UUID, Depends(careplan_id_of)]
FirstDay = Annotated[date | None, Query(alias="from")]
LastDay = Annotated[date | None, Query(alias="to")]


def cursor_after(order_id: UUID | None) -> str | None:
    return None if order_id is None else base64.urlsafe_b64encode(order_id.bytes).rstrip(b"=").decode()


def place_of(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except ValueError:
        raise InvalidInput([Fault("cursor", "VALUE", "This is not a cursor of ours.")]) from None


def search_router(reporting: Reporting) -> APIRouter:
    router = APIRouter(prefix="/api/orders", tags=["orders"])

    @router.get("")
    async def search_orders(
        caller: Reader,
        q: Annotated[str, Query(max_length=200)] = "",
        status: OrderStatus | None = None,
        source: Annotated[str | None, Query(max_length=100)] = None,
        medication: Annotated[str | None, Query(max_length=200)] = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 25,
    ) -> Response:
        """Orders, newest first. `q` looks in names, MRN and medication; `from` and `to` are order dates, inclusive."""
        wanted = Filter(
            tuple(folded(q).split()), status, source, medication, first_day, last_day, before=place_of(cursor)
        )
        items, last = await reporting.search(caller, wanted, limit)
        return _json({"items": items, "next_cursor": cursor_after(last)})

    return router


def careplans_router(reporting: Reporting) -> APIRouter:
    router = APIRouter(prefix="/api/careplans", tags=["care plans"])

    @router.get("/{careplan_id}")
    async def get_careplan(caller: Reader, careplan_id: CarePlanId) -> Response:
        """One care plan, structured, with its citations and versions."""
        shown, _, _ = await reporting.careplan(caller, careplan_id)
        return _json(shown)

    @router.get("/{careplan_id}/download")
    async def download_careplan(caller: Reader, careplan_id: CarePlanId, format: Format = "txt") -> Response:
        """The care plan as a file."""
        shown, _, order = await reporting.careplan(caller, careplan_id)
        # Named by id: a file name ends up in places where a patient's name must not.
        headers = {"Content-Disposition": f'attachment; filename="careplan-{careplan_id}-v{shown["version"]}.{format}"'}
        if format == "json":
            return _json(shown | {"order": order}, headers)
        return Response(shown["text"], headers=headers, media_type="text/plain; charset=utf-8")

    return router


def reports_router(reporting: Reporting) -> APIRouter:
    router = APIRouter(prefix="/api/reports", tags=["reports"])

    @router.get("/orders.csv", response_class=StreamingResponse)
    async def orders_csv(
        _: Analyst,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        medication: Annotated[str | None, Query(max_length=200)] = None,
        source: Annotated[str | None, Query(max_length=100)] = None,
    ) -> StreamingResponse:
        """The pharma report: completed orders, one row each, without patient identity."""
        wanted = Filter(source=source, medication=medication, first_day=first_day, last_day=last_day)
        headers = {"Content-Disposition": 'attachment; filename="orders.csv"'}
        return StreamingResponse(csv_report(reporting.report(wanted)), headers=headers, media_type="text/csv")

    @router.get("/summary")
    async def summary(_: Analyst, first_day: FirstDay = None, last_day: LastDay = None) -> Response:
        """Counts, times, tokens and cost, for charts."""
        return _json(await reporting.summary(Filter(first_day=first_day, last_day=last_day)))

    return router


def _json(body: Any, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False, default=str)
    return Response(content, headers=headers, media_type="application/json")
