"""What facts make of an order's row. Facts of different topics come in any order: every merge gives the same in each.

A Change holds what one or several facts say; what they do not say is None and leaves the row as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from anyascii import anyascii

from schemas.careplan import CarePlan, ModelUse, Review
from schemas.event import Event, Fact
from schemas.generator import CarePlanApproved, CarePlanCompleted, CarePlanFailed, CarePlanRevised
from schemas.intake import CarePlanRequested, OrderConfirmed, OrderReceived
from schemas.order import Finding, Order, OrderStatus
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned

FACTS: tuple[type[Fact], ...] = (
    OrderReceived,
    OrderConfirmed,
    CarePlanRequested,
    OrderAccepted,
    OrderWarned,
    OrderRejected,
    CarePlanCompleted,
    CarePlanFailed,
    CarePlanRevised,
    CarePlanApproved,
)
_RANK: dict[OrderStatus, int] = {
    "pending": 0,
    "needs_confirmation": 1,
    "processing": 2,
    "rejected": 3,
    "failed": 3,
    "completed": 3,
}


@dataclass(frozen=True, slots=True)
class Submitted:
    source: str
    external_id: str | None
    at: datetime
    order: Order


@dataclass(frozen=True, slots=True)
class Reached:
    """A status; of two, the one with the greater (attempt, rank) counts."""

    attempt: int
    status: OrderStatus

    @property
    def rank(self) -> int:
        return _RANK[self.status]


@dataclass(frozen=True, slots=True)
class Change:
    order_id: UUID
    at: datetime
    submitted: Submitted | None = None
    reached: Reached | None = None
    decided_attempt: int = 0
    problems: tuple[Finding, ...] | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    careplan_id: UUID | None = None
    careplan_version: int | None = None
    review: Review | None = None
    approved_at: datetime | None = None
    model_use: ModelUse | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a care plan, or the news that it was approved."""

    careplan_id: UUID
    version: int
    order_id: UUID
    careplan: CarePlan | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    note: str | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None


def change_of(event: Event) -> Change:
    order_id, at = event.subject, event.time
    match event.data:
        case OrderReceived() as fact:
            submitted = Submitted(fact.source, fact.external_id, fact.submitted_at, fact.order)
            return Change(order_id, at, submitted, Reached(fact.attempt, "pending"))
        case OrderConfirmed() as fact:
            return Change(order_id, at, reached=Reached(fact.attempt, "pending"))
        case CarePlanRequested() as fact:
            return Change(order_id, at, reached=Reached(fact.attempt, "processing"))
        case OrderAccepted() as fact:
            return Change(
                order_id,
                at,
                reached=Reached(fact.attempt, "processing"),
                decided_attempt=fact.attempt,
                problems=fact.findings,
                accepted_at=at,
            )
        case OrderWarned() as fact:
            reached = Reached(fact.attempt, "needs_confirmation")
            return Change(order_id, at, reached=reached, decided_attempt=fact.attempt, problems=fact.findings)
        case OrderRejected() as fact:
            reached = Reached(fact.attempt, "rejected")
            return Change(
                order_id, at, reached=reached, decided_attempt=fact.attempt, problems=fact.findings, ended_at=at
            )
        case CarePlanCompleted() as fact:
            return Change(
                order_id,
                at,
                reached=Reached(fact.attempt, "completed"),
                accepted_at=fact.accepted_at,
                ended_at=at,
                careplan_id=fact.careplan_id,
                careplan_version=fact.version,
                review="draft",
                model_use=fact.model_use,
            )
        case CarePlanFailed() as fact:
            return Change(
                order_id,
                at,
                reached=Reached(fact.attempt, "failed"),
                accepted_at=fact.accepted_at,
                ended_at=at,
                model_use=fact.model_use,
            )
        case CarePlanRevised() as fact:
            return Change(order_id, at, careplan_id=fact.careplan_id, careplan_version=fact.version, review="draft")
        case CarePlanApproved() as fact:
            return Change(
                order_id,
                at,
                careplan_id=fact.careplan_id,
                careplan_version=fact.version,
                review="approved",
                approved_at=fact.approved.at,
            )
        case other:
            raise TypeError(f"reporting does not read {other.type}")


def merged(changes: Iterable[Change]) -> list[Change]:
    """One change an order, so that a batch touches each row once."""
    by_order: dict[UUID, Change] = {}
    for change in changes:
        earlier = by_order.get(change.order_id)
        by_order[change.order_id] = change if earlier is None else _both(earlier, change)
    return list(by_order.values())


def _both(one: Change, two: Change) -> Change:
    reached = max((r for r in (one.reached, two.reached) if r), key=lambda r: (r.attempt, r.rank), default=None)
    decided = max((one, two), key=lambda change: change.decided_attempt)
    ended = max((one, two), key=lambda change: _order_of(change.reached))
    planned = max((one, two), key=lambda change: (change.careplan_version or 0, change.review == "approved"))
    return replace(
        one,
        at=max(one.at, two.at),
        submitted=one.submitted or two.submitted,
        reached=reached,
        decided_attempt=decided.decided_attempt,
        problems=decided.problems,
        accepted_at=one.accepted_at or two.accepted_at,
        ended_at=ended.ended_at or one.ended_at or two.ended_at,
        careplan_id=planned.careplan_id,
        careplan_version=planned.careplan_version,
        review=planned.review,
        approved_at=planned.approved_at,
        model_use=ended.model_use or one.model_use or two.model_use,
    )


def _order_of(reached: Reached | None) -> tuple[int, int]:
    return (reached.attempt, reached.rank) if reached else (0, -1)


def version_of(event: Event) -> Version | None:
    match event.data:
        case CarePlanCompleted() as fact:
            return Version(
                fact.careplan_id, fact.version, fact.order_id, fact.careplan, event.time, "generator", "first draft"
            )
        case CarePlanRevised() as fact:
            revised = fact.revised
            return Version(
                fact.careplan_id, fact.version, fact.order_id, fact.careplan, revised.at, revised.by, fact.note
            )
        case CarePlanApproved() as fact:
            approved = fact.approved
            return Version(
                fact.careplan_id, fact.version, fact.order_id, approved_at=approved.at, approved_by=approved.by
            )
        case _:
            return None


def searched_text(order: Order) -> str:
    patient = order.patient
    return folded(f"{patient.first_name} {patient.last_name} {patient.mrn} {order.medication}")


def folded(text: str) -> str:
    """As search compares it: "Ibañez" is found by "ibanez"."""
    return anyascii(text).lower()
