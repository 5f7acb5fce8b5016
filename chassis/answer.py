"""A response as a value: what a use case gives back, and what is remembered for a repeated request."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it is remembered. `status` None: the work is done, its answer waits for a decision on `subject`."""

    status: int | None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    subject: UUID | None = None

    def response(self) -> Response:
        assert self.status is not None
        media_type = "application/json" if self.body else None
        return Response(self.body, self.status, self.headers, media_type=media_type)


def json_answer(body: Any) -> Response:
    """200. Written by pydantic, which knows moments and ids, and takes a quarter of the time that `json` takes for a care plan."""
    return Response(to_json(body), media_type="application/json")
