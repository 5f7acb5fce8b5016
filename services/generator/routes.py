"""HTTP in: a pharmacist's revisions and approvals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.answer import json_answer
from chassis.errors import NotFound
from chassis.idempotency import memo_of
from chassis.ids import id_in
from chassis.openapi import LOCATION, answer, json_body
from chassis.queries import Day
from chassis.security import Caller, staff
from chassis.strict_form import read_form
from chassis.web import read_body
from services.generator.documents import Rejections, ReviewedPlan
from services.generator.domain.revision import ApprovalForm, RevisionForm
from services.generator.use_cases import Review

Pharmacist = Annotated[Caller, Depends(staff("pharmacist"))]


async def careplan_id_of(careplan_id: str) -> UUID:
    found = id_in(careplan_id)
    if found is None:
        raise NotFound("There is no such care plan.")
    return found


CarePlanId = Annotated[UUID, Depends(careplan_id_of)]


def review_routers(review: Review) -> list[APIRouter]:
    router = APIRouter(prefix="/api/careplans/{careplan_id}", tags=["care plans"])

    @router.post(
        "/revisions",
        status_code=201,
        response_model=ReviewedPlan,
        responses={201: answer("The next version.", Location=LOCATION)},
        openapi_extra=json_body(RevisionForm),
    )
    async def revise(request: Request, caller: Pharmacist, careplan_id: CarePlanId) -> Response:
        """A pharmacist's edited sections or text become the next version, a draft again."""
        body = await read_body(request)
        form = read_form(RevisionForm, body)
        return (await review.revise(memo_of(request, caller, body), caller.subject, careplan_id, form)).response()

    @router.post(
        "/approve",
        response_model=ReviewedPlan,
        responses={200: answer("Signed.", Location=LOCATION)},
        openapi_extra=json_body(ApprovalForm, required=False),
    )
    async def approve(request: Request, caller: Pharmacist, careplan_id: CarePlanId) -> Response:
        """A pharmacist signs the current version. `{"version": n}` signs only if that is the current one."""
        body = await read_body(request)
        form = read_form(ApprovalForm, body or b"{}")
        return (await review.approve(memo_of(request, caller, body), caller.subject, careplan_id, form)).response()

    feedback = APIRouter(prefix="/api/reviews", tags=["care plans"])

    @feedback.get("/rejections", response_model=Rejections)
    async def get_rejections(
        _: Pharmacist,
        first_day: Annotated[Day, Query(alias="from")] = None,
        last_day: Annotated[Day, Query(alias="to")] = None,
    ) -> Response:
        """What pharmacists struck out of plans, and why, counted: the most frequent first."""
        return json_answer(await review.rejections(first_day, last_day))

    return [router, feedback]
