"""HTTP in: orders, their status, ICD-10-CM. A route reads the request and calls one use case."""

import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from chassis.answer import json_answer
from chassis.audit.entry import NOT_AUDITED
from chassis.errors import NotFound
from chassis.idempotency import memo_of
from chassis.ids import id_in
from chassis.openapi import json_body
from chassis.queries import ShortText
from chassis.security import Caller, staff, staff_or_partner
from chassis.uploads import Room
from chassis.web import read_body
from services.intake.documents import AcceptedOrder, Icd10Match, Icd10Matches, ShownOrder
from services.intake.domain.order_form import OrderForm
from services.intake.domain.prefer import wait_seconds
from services.intake.icd10 import Icd10
from services.intake.submission_routes import ACCEPTED, multipart_body, submit_multipart
from services.intake.submissions import Submissions
from services.intake.use_cases import Intake
from services.intake.use_cases import Request as Asked

Submitter = Annotated[Caller, Depends(staff("assistant", "pharmacist"))]
Owner = Annotated[Caller, Depends(staff_or_partner("assistant", "pharmacist"))]
Pharmacist = Annotated[Caller, Depends(staff("pharmacist"))]


async def order_id_of(order_id: str) -> UUID:
    """What is not an id is nobody's order: the same 404."""
    found = id_in(order_id)
    if found is None:
        raise NotFound("There is no such order.")
    return found


OrderId = Annotated[UUID, Depends(order_id_of)]

_PREFER = {
    "parameters": [
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "examples": ["wait=10"]},
            "description": "`wait=SECONDS` holds the answer until validation has decided; 30 at most.",
        }
    ]
}


async def asked(request: Request, caller: Caller, body: bytes) -> Asked:
    return Asked(caller, memo_of(request, caller, body), wait_seconds(request.headers.getlist("prefer")))


def orders_router(intake: Intake, submissions: Submissions, room: Room) -> APIRouter:
    router = APIRouter(prefix="/api/orders", tags=["orders"])

    async def own_order(caller: Owner, order_id: OrderId) -> None:
        """A stream that has begun can answer 404 no more: looked up before."""
        await intake.look(caller, order_id)

    body = json_body(OrderForm)
    body["requestBody"]["content"]["multipart/form-data"] = multipart_body()

    @router.post(
        "", status_code=202, response_model=AcceptedOrder, responses={202: ACCEPTED}, openapi_extra={**body, **_PREFER}
    )
    async def submit_order(caller: Submitter, request: Request) -> Response:
        """Submit an order. 202 once it is durable; `Prefer: wait=10` answers with the decision."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == "multipart/form-data":
            return await submit_multipart(submissions, room, caller, request)
        body = await read_body(request)
        return (await intake.submit(await asked(request, caller, body), media_type, body)).response()

    @router.get("/{order_id}", response_model=ShownOrder)
    async def get_order(caller: Owner, order_id: OrderId) -> Response:
        """One order: status, problems, timeline, and the care plan when it is completed."""
        return json_answer(await intake.look(caller, order_id))

    @router.get("/{order_id}/events", response_class=EventSourceResponse, dependencies=[Depends(own_order)])
    async def follow_order(caller: Owner, order_id: OrderId) -> AsyncIterator[ServerSentEvent]:
        """The order at once and at each change, until its status is terminal."""
        async for shown in intake.follow(caller, order_id):
            yield ServerSentEvent(raw_data=json.dumps(shown, ensure_ascii=False), event="order")

    @router.post(
        "/{order_id}/confirm",
        status_code=202,
        response_model=AcceptedOrder,
        responses={202: ACCEPTED},
        openapi_extra=_PREFER,
    )
    async def confirm_order(caller: Owner, request: Request, order_id: OrderId) -> Response:
        """The submitter has read the warnings and wants to go on."""
        body = await read_body(request)
        return (await intake.confirm(await asked(request, caller, body), order_id)).response()

    @router.post(
        "/{order_id}/retry",
        status_code=202,
        response_model=AcceptedOrder,
        responses={202: ACCEPTED},
        openapi_extra=_PREFER,
    )
    async def retry_order(caller: Pharmacist, request: Request, order_id: OrderId) -> Response:
        """Ask again for a care plan whose generation failed."""
        body = await read_body(request)
        return (await intake.retry(await asked(request, caller, body), order_id)).response()

    return router


def icd10_router(icd10: Icd10) -> APIRouter:
    router = APIRouter(prefix="/api/icd10", tags=["orders"])

    @router.get("", openapi_extra=NOT_AUDITED)
    async def search_icd10(
        _: Owner,
        q: Annotated[ShortText, Query(max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> Icd10Matches:
        """Type-ahead: codes that begin with `q`, then descriptions whose words begin with those of `q`."""
        return Icd10Matches(items=[Icd10Match(**match) for match in await icd10.search(q, limit)])

    return router
