"""HTTP in: orders, their status, ICD-10-CM, sessions. A route reads the request and calls one use case."""

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from chassis.errors import NotFound, UnsupportedMediaType
from chassis.idempotency import memo_of
from chassis.security import SESSION_COOKIE, Caller, caller_of, refuse_other_origins, staff, staff_or_partner
from chassis.web import read_body
from services.intake.accounts import Accounts
from services.intake.domain.order_form import OrderForm
from services.intake.icd10 import Icd10
from services.intake.use_cases import Intake
from services.intake.use_cases import Request as Asked

_LONGEST_WAIT_SECONDS = 30.0
_WAIT = re.compile(r"(?:^|[,;]\s*)wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?:$|[,;])", re.IGNORECASE)

Submitter = Annotated[Caller, Depends(staff("assistant", "pharmacist"))]
Owner = Annotated[Caller, Depends(staff_or_partner("assistant", "pharmacist"))]
Pharmacist = Annotated[Caller, Depends(staff("pharmacist"))]


def order_id_of(order_id: str) -> UUID:
    """What is not an id is nobody's order: the same 404."""
    try:
        return UUID(order_id)
    except ValueError:
        raise NotFound("There is no such order.") from None


OrderId = Annotated[UUID, Depends(order_id_of)]


async def asked(request: Request, caller: Caller, body: bytes) -> Asked:
    return Asked(caller, memo_of(request, caller, body), wait_seconds(request.headers.get("prefer", "")))


def wait_seconds(prefer: str) -> float:
    """RFC 7240 `wait`: 0 where absent or unreadable, at most 30."""
    found = _WAIT.search(prefer)
    return min(float(found[1]), _LONGEST_WAIT_SECONDS) if found else 0.0


def orders_router(intake: Intake) -> APIRouter:
    router = APIRouter(prefix="/api/orders", tags=["orders"])

    @router.post(
        "",
        status_code=202,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": OrderForm.model_json_schema()}},
            }
        },
    )
    async def submit_order(request: Request, caller: Submitter) -> Response:
        """Submit an order. 202 once it is durable; `Prefer: wait=10` answers with the decision."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType("Send an order as application/json.")
        body = await read_body(request)
        answer = await intake.submit(await asked(request, caller, body), body)
        return answer.response()

    @router.get("/{order_id}")
    async def get_order(order_id: OrderId, caller: Owner) -> Response:
        """One order: status, problems, timeline, and the care plan when it is completed."""
        shown = await intake.look(caller, order_id)
        return Response(json.dumps(shown, ensure_ascii=False), media_type="application/json")

    @router.get("/{order_id}/events", response_class=EventSourceResponse)
    async def follow_order(order_id: OrderId, caller: Owner) -> AsyncIterator[ServerSentEvent]:
        """The order at once and at each change, until its status is terminal."""
        async for shown in intake.follow(caller, order_id):
            if shown is not None:
                yield ServerSentEvent(raw_data=json.dumps(shown, ensure_ascii=False), event="order")

    @router.post("/{order_id}/confirm", status_code=202)
    async def confirm_order(request: Request, order_id: OrderId, caller: Owner) -> Response:
        """The submitter has read the warnings and wants to go on."""
        body = await read_body(request)
        return (await intake.confirm(await asked(request, caller, body), order_id)).response()

    @router.post("/{order_id}/retry", status_code=202)
    async def retry_order(request: Request, order_id: OrderId, caller: Pharmacist) -> Response:
        """Ask again for a care plan whose generation failed."""
        body = await read_body(request)
        return (await intake.retry(await asked(request, caller, body), order_id)).response()

    return router


class Icd10Match(BaseModel):
    code: str
    description: str
    billable: bool


class Icd10Matches(BaseModel):
    items: list[Icd10Match]


def icd10_router(icd10: Icd10) -> APIRouter:
    router = APIRouter(prefix="/api/icd10", tags=["orders"])

    @router.get("")
    async def search_icd10(
        _: Owner, q: Annotated[str, Query(max_length=100)] = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> Icd10Matches:
        """Type-ahead: codes that begin with `q`, then descriptions whose words begin with those of `q`."""
        return Icd10Matches(items=[Icd10Match(**match) for match in await icd10.search(q, limit)])

    return router


class Credentials(BaseModel):
    username: str
    password: str


class WhoIAm(BaseModel):
    username: str
    roles: list[str]
    source: str | None = None


def session_router(accounts: Accounts) -> APIRouter:
    router = APIRouter(prefix="/api/session", tags=["session"])

    @router.post("", status_code=204)
    async def sign_in(request: Request, response: Response, credentials: Credentials) -> None:
        """Signs a staff member in: a session cookie that scripts on the page cannot read."""
        refuse_other_origins(request)
        token = await accounts.sign_in(credentials.username, credentials.password)
        response.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=int(accounts.session_seconds),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )

    @router.get("")
    async def who_am_i(caller: Annotated[Caller, Depends(caller_of)]) -> WhoIAm:
        return WhoIAm(username=caller.subject, roles=sorted(caller.roles), source=caller.source)

    @router.delete("", status_code=204)
    async def sign_out(_: Annotated[Caller, Depends(caller_of)], response: Response) -> None:
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")

    return router
