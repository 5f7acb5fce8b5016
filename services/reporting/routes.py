"""HTTP in: search, one care plan, downloads, the pharma report, the figures."""

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from chassis.answer import json_answer
from chassis.errors import Fault, InvalidInput, NotFound
from chassis.ids import id_in
from chassis.openapi import CONFLICT, answer
from chassis.queries import BlankIsAbsent, Day, ShortText
from chassis.security import Caller, staff, staff_or_partner
from schemas.careplan import Review
from schemas.order import OrderStatus
from services.reporting.documents import OrdersPage, ShownCarePlan, Summary
from services.reporting.domain.plan_document import Format, Writer
from services.reporting.domain.read_model import searched_words
from services.reporting.live_list import LiveList
from services.reporting.storage import Filter
from services.reporting.use_cases import Reporting

Reader = Annotated[Caller, Depends(staff_or_partner("assistant", "pharmacist"))]
ListWatcher = Annotated[Caller, Depends(staff("assistant", "pharmacist"))]
Analyst = Annotated[Caller, Depends(staff("analyst"))]
ReportWriter = Callable[[AsyncIterator[Any]], AsyncIterator[bytes]]

_DEFAULT_LIMIT = 25
_WATCH_SECONDS = 600
_FILES = ("text/plain", "application/pdf", "application/json", "application/fhir+json")


def careplan_id_of(careplan_id: str) -> UUID:
    found = id_in(careplan_id)
    if found is None:
        raise NotFound("There is no such care plan.")
    return found


CarePlanId = Annotated[UUID, Depends(careplan_id_of)]
FirstDay = Annotated[Day, Query(alias="from")]
LastDay = Annotated[Day, Query(alias="to")]
Text = Annotated[ShortText | None, BlankIsAbsent(), Query()]
Status = Annotated[OrderStatus | None, BlankIsAbsent(), Query()]
ReviewState = Annotated[Review | None, BlankIsAbsent(), Query()]
Version = Annotated[Annotated[int, Field(ge=1, le=1_000_000)] | None, BlankIsAbsent(), Query()]
Limit = Annotated[Annotated[int, Field(ge=1, le=100)] | None, BlankIsAbsent(), Query()]


def cursor_after(order_id: UUID | None) -> str | None:
    return None if order_id is None else base64.urlsafe_b64encode(order_id.bytes).rstrip(b"=").decode()


def place_of(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except ValueError:
        raise InvalidInput([Fault("cursor", "VALUE", "This is not a cursor of ours.")]) from None


def search_router(reporting: Reporting, live_list: LiveList) -> APIRouter:
    router = APIRouter(prefix="/api/orders", tags=["orders"])

    @router.get("", response_model=OrdersPage)
    async def search_orders(
        caller: Reader,
        q: Text = None,
        status: Status = None,
        review: ReviewState = None,
        source: Text = None,
        medication: Text = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        cursor: Text = None,
        limit: Limit = None,
    ) -> Response:
        """Orders, newest first. `q` looks in names, MRN and medication; `from` and `to` are order dates, inclusive.

        `review=draft` finds what is to be signed.
        """
        words, place = searched_words(q or ""), place_of(cursor)
        wanted = Filter(words, status, review, source, medication, first_day, last_day, before=place)
        items, last = await reporting.search(caller, wanted, limit or _DEFAULT_LIMIT)
        return json_answer({"items": items, "next_cursor": cursor_after(last)})

    @router.get("/events", response_class=EventSourceResponse)
    async def follow_list(_: ListWatcher) -> AsyncIterator[ServerSentEvent]:
        """The list, live: `orders` has changed orders as search shows them, `reload` says to search anew.

        Ends after some minutes, so that who may not watch any more does not: open it again.
        """
        async for change in live_list.watch(_WATCH_SECONDS):
            yield ServerSentEvent(raw_data=change or "{}", event="orders" if change else "reload")

    return router


def careplans_router(reporting: Reporting, writers: Mapping[Format, Writer]) -> APIRouter:
    router = APIRouter(prefix="/api/careplans", tags=["care plans"])

    @router.get("/{careplan_id}", response_model=ShownCarePlan)
    async def get_careplan(caller: Reader, careplan_id: CarePlanId, version: Version = None) -> Response:
        """One care plan, structured, with its citations and versions; `version` names an earlier one."""
        return json_answer(await reporting.careplan(caller, careplan_id, version))

    @router.get(
        "/{careplan_id}/download",
        response_class=Response,
        responses={200: answer("A file.", *_FILES, Content_Disposition="Its name, made of ids."), 409: CONFLICT},
    )
    async def download_careplan(caller: Reader, careplan_id: CarePlanId, format: Format = "txt") -> Response:
        """The care plan as a file. FHIR is 409 for a version whose text was edited apart from its sections."""
        document = await reporting.document(caller, careplan_id)
        file = await writers[format](document)
        # Named by id: a file name ends up in places where a patient's name must not.
        name = f"careplan-{careplan_id}-v{document.version}.{file.suffix}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(file.content, headers=headers, media_type=file.media_type)

    return router


def reports_router(reporting: Reporting, write_report: ReportWriter) -> APIRouter:
    router = APIRouter(prefix="/api/reports", tags=["reports"])

    @router.get(
        "/orders.csv",
        response_class=StreamingResponse,
        responses={200: answer("The report.", "text/csv", Content_Disposition="Its name.")},
    )
    async def orders_csv(
        _: Analyst,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        medication: Text = None,
        source: Text = None,
    ) -> StreamingResponse:
        """The pharma report: completed orders, one row each, without patient identity."""
        wanted = Filter(source=source, medication=medication, first_day=first_day, last_day=last_day)
        chunks = write_report(reporting.report(wanted))
        # The first is at hand before the answer begins: a database that is away is a 503, not a report cut short.
        body = _with_first(await anext(chunks), chunks)
        headers = {"Content-Disposition": 'attachment; filename="orders.csv"'}
        return StreamingResponse(body, headers=headers, media_type="text/csv")

    @router.get("/summary", response_model=Summary)
    async def summary(_: Analyst, first_day: FirstDay = None, last_day: LastDay = None) -> Response:
        """Counts, times, tokens and cost, for charts."""
        return json_answer(await reporting.summary(Filter(first_day=first_day, last_day=last_day)))

    return router


async def _with_first(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in others:
        yield chunk
