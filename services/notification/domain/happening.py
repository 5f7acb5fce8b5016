"""What is told of an order: a status and codes. Nothing here knows a patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from schemas.event import Event, Fact
from schemas.generator import GENERATION_FAILED, CarePlanCompleted, CarePlanFailed
from schemas.intake import OrderReceived
from schemas.order import Finding
from schemas.validation import OrderRejected, OrderWarned

Status = Literal["completed", "failed", "needs_confirmation", "rejected"]
FACTS: tuple[type[Fact], ...] = (OrderReceived, OrderWarned, OrderRejected, CarePlanCompleted, CarePlanFailed)


@dataclass(frozen=True, slots=True)
class Happening:
    """`event_id` is what it is told once for."""

    event_id: UUID
    order_id: UUID
    status: Status
    codes: tuple[str, ...]
    at: datetime
    trace: str | None = None


def happening_of(event: Event) -> Happening | None:
    """None for what nobody is told about: an order that came in is still on its way."""
    match event.data:
        case CarePlanCompleted():
            return Happening(event.id, event.subject, "completed", (), event.time, event.trace)
        case CarePlanFailed() as fact:
            return Happening(
                event.id, event.subject, "failed", (GENERATION_FAILED, fact.reason), event.time, event.trace
            )
        case OrderWarned() as fact:
            return Happening(
                event.id, event.subject, "needs_confirmation", _codes(fact.findings), event.time, event.trace
            )
        case OrderRejected() as fact:
            return Happening(event.id, event.subject, "rejected", _codes(fact.findings), event.time, event.trace)
        case _:
            return None


def _codes(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What stands in the way, in the rules' order; a finding's message and detail stay here."""
    return tuple(dict.fromkeys(f.code for f in findings if f.type != "notice" and not f.confirmed))
