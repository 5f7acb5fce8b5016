"""HTTP in: orders in a partner's own format, orders with a file; and for operators, what partners sent."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from chassis.errors import Fault, Forbidden, InvalidInput, NotFound, Rejected
from chassis.idempotency import memo_of, memo_with
from chassis.ids import id_in
from chassis.openapi import LOCATION, answer
from chassis.queries import BlankIsAbsent, ShortText
from chassis.security import Caller, caller_of, staff
from chassis.uploads import Part, Room, read_multipart
from chassis.web import JSON_BODY_LIMIT, read_body
from services.intake.archive import Outcome
from services.intake.documents import AcceptedOrder
from services.intake.domain.draft import EnclosedFile
from services.intake.domain.order_form import OrderForm
from services.intake.domain.prefer import wait_seconds
from services.intake.domain.records import LARGEST_FILE
from services.intake.submissions import Source, Submissions
from services.intake.use_cases import Request as Asked

PART_LIMITS = {"order": JSON_BODY_LIMIT, "patient_records": LARGEST_FILE}
_LONGEST_CONTENT_TYPE = 1_000
ACCEPTED = answer(
    "The order is durable.", Location=LOCATION, Preference_Applied="`wait`, where the answer waited for the decision."
)
Admin = Annotated[Caller, Depends(staff("admin"))]


async def submit_multipart(submissions: Submissions, room: Room, caller: Caller, request: Request) -> Response:
    """The second way of `POST /api/orders`: part `order`, and its records as part `patient_records`."""
    async with room.for_body(request, sum(PART_LIMITS.values())):
        form = await read_multipart(request, PART_LIMITS)
        memo = memo_with(request, caller, form.fingerprint)
        asked = Asked(caller, memo, wait_seconds(request.headers.getlist("prefer")))
        if "order" not in form.parts:
            missing = Fault("order", "REQUIRED", "This part is required.")
            return (await submissions.intake.refuse(asked, InvalidInput([*form.faults, missing]))).response()
        order, file = bytes(form.parts["order"].content), _file(form.parts.get("patient_records"))
        return (await submissions.with_file(asked, order, file, form.faults)).response()


def _file(part: Part | None) -> EnclosedFile | None:
    return EnclosedFile(bytes(part.content), part.content_type) if part else None


def multipart_body() -> dict[str, Any]:
    """How OpenAPI describes it."""
    return {
        "schema": {
            "type": "object",
            "required": ["order"],
            "additionalProperties": False,
            "properties": {
                "order": OrderForm.model_json_schema(ref_template="#/components/schemas/{model}"),
                "patient_records": {"type": "string", "format": "binary"},
            },
        },
        "encoding": {
            "order": {"contentType": "application/json"},
            "patient_records": {"contentType": "application/pdf, text/plain"},
        },
    }


def partner_router(submissions: Submissions, room: Room) -> APIRouter:
    router = APIRouter(prefix="/api/intake", tags=["orders"])
    any_of = {"schema": {"type": "string", "format": "binary"}}
    content = {source.content_type: any_of for source in submissions.sources.values()}

    source = {"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}

    # `source` is read by hand and not by FastAPI's dependencies, which would cost a tenth of the whole request.
    @router.post(
        "/{source}",
        status_code=202,
        response_model=AcceptedOrder,
        responses={202: ACCEPTED},
        openapi_extra={"parameters": [source], "requestBody": {"required": True, "content": content}},
    )
    async def submit_in_own_format(caller: Annotated[Caller, Depends(caller_of)], request: Request) -> Response:
        """Submit an order as your own system writes it. Faults name your own fields."""
        found = submissions.source(request.path_params["source"])  # 404 before 403: which sources there are is known
        if caller.source != found.name:
            raise Forbidden("This door is for the partner itself, with the key of this source.")
        async with room.for_body(request, found.largest_body):
            return await _submit(found, caller, request)

    async def _submit(source: Source, caller: Caller, request: Request) -> Response:
        content_type = request.headers.get("content-type", "")[:_LONGEST_CONTENT_TYPE]
        body = await read_body(request, source.largest_body)
        try:
            memo = memo_of(request, caller, body)
        except Rejected:
            await submissions.keep_refused(source, content_type, body)
            raise
        asked = Asked(caller, memo, wait_seconds(request.headers.getlist("prefer")))
        return (await submissions.from_partner(asked, source, content_type, body)).response()

    return router


class Submission(BaseModel):
    """One authenticated post of a partner; `order_id` null: it was refused. What it says is at its own address."""

    id: UUID
    source: str
    outcome: Outcome
    order_id: UUID | None
    content_type: str
    size: int
    sha256: str
    received_at: datetime
    resubmitted_at: datetime | None


class SubmissionList(BaseModel):
    items: list[Submission]
    next_cursor: str | None


async def _submission_id(id: str) -> UUID:
    found = id_in(id)
    if found is None:
        raise NotFound("There is no such submission.")
    return found


SubmissionId = Annotated[UUID, Depends(_submission_id)]


def operations_router(submissions: Submissions) -> APIRouter:
    router = APIRouter(prefix="/api/ops/submissions", tags=["operations"])

    @router.get("")
    async def list_submissions(
        _: Admin,
        source: Annotated[ShortText | None, BlankIsAbsent(), Query()] = None,
        outcome: Annotated[Outcome | None, BlankIsAbsent(), Query()] = None,
        cursor: Annotated[UUID | None, BlankIsAbsent(), Query()] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> SubmissionList:
        """What partners posted, newest first: when and what came of it, never content."""
        rows = await submissions.listed(source, outcome, cursor, limit + 1)
        items = [Submission.model_validate(row, from_attributes=True) for row in rows[:limit]]
        return SubmissionList(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)

    @router.get(
        "/{id}",
        response_class=Response,
        responses={200: answer("As it came.", "*/*", Content_Disposition="Its id as a name.")},
    )
    async def get_submission(_: Admin, id: SubmissionId) -> Response:
        """The body as it came, byte for byte, with its content type."""
        document, body = await submissions.raw(id)
        headers = {"Content-Disposition": f'attachment; filename="{document.document_id}"'}
        # As bytes of a header: FastAPI would add a charset to a text type.
        response = Response(body, headers=headers)
        response.raw_headers.append((b"content-type", document.content_type.encode("latin-1", "replace")))
        return response

    # A post is kept also where its media type was refused, and is refused for it again.
    again = {"415": {"$ref": "#/components/responses/UnsupportedMediaType"}}

    @router.post(
        "/{id}/resubmit",
        status_code=202,
        response_model=AcceptedOrder,
        responses={202: ACCEPTED},
        openapi_extra={"responses": again},
    )
    async def resubmit(caller: Admin, id: SubmissionId, request: Request) -> Response:
        """Handles it again, through the same adapter, as if it came now."""
        memo = memo_of(request, caller, await read_body(request))
        asked = Asked(caller, memo, wait_seconds(request.headers.getlist("prefer")))
        return (await submissions.resubmit(asked, id)).response()

    return router
