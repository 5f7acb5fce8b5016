"""The envelope of every event: CloudEvents 1.0 attributes around one fact.

Grammar of a type: `careplan.<fact in the past tense>.v<N>`. Adding an optional field keeps the number;
anything else is a new class beside the old one, both written until the last reader has moved.
Readers pass over fields and types they do not know.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """Something that happened to one order. Subclasses carry `type` as a Literal."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", use_attribute_docstrings=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    type: str
    order_id: UUID


@dataclass(frozen=True, slots=True)
class Event:
    """One fact on its way: `id` with `source` is what a reader removes duplicates by."""

    id: UUID
    source: str
    time: datetime
    data: Fact
    trace: str | None = None
    """W3C traceparent of the request that started it all."""
    cause: UUID | None = None
    """The event that made the writer emit this one; none for what a person or partner started."""

    @property
    def type(self) -> str:
        return self.data.type

    @property
    def subject(self) -> UUID:
        return self.data.order_id
