"""What an operator does over HTTP: see what could not be handled, and have it handled again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from chassis.errors import NotFound
from chassis.idempotency import memo_of
from chassis.messaging.dead_letters import DeadLetters
from chassis.security import Caller, staff
from chassis.web import read_body


class DeadLetter(BaseModel):
    id: UUID
    service: str
    topic: str
    partition: int
    offset: int
    type: str | None
    subject: str | None
    reason: str
    places: list[str]
    attempts: int
    failed_at: datetime
    replayed_at: datetime | None


class DeadLetterList(BaseModel):
    items: list[DeadLetter]


Admin = Annotated[Caller, Depends(staff("admin"))]


def router(all_letters: Sequence[DeadLetters]) -> APIRouter:
    """`all_letters`: one service's own, or in the all-in-one every service's."""
    router = APIRouter(prefix="/api/ops", tags=["operations"])

    @router.get("/dead-letters")
    async def list_dead_letters(_: Admin, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> DeadLetterList:
        """Newest first: place, reason and attempts, never content."""
        found = [letter for letters in all_letters for letter in await letters.newest(limit)]
        found.sort(key=lambda letter: letter["failed_at"], reverse=True)
        return DeadLetterList(items=[DeadLetter(**letter) for letter in found[:limit]])

    @router.post("/dead-letters/{id}/replay", status_code=204)
    async def replay_dead_letter(request: Request, caller: Admin, id: UUID) -> Response:
        """Handles it once more; 409 WRONG_STATE when it was replayed before or fails again."""
        memo = memo_of(request, caller, await read_body(request))
        for letters in all_letters:
            if await letters.has(id):
                return (await letters.answer_replay(memo, id)).response()
        raise NotFound("There is no such dead letter.")

    return router
