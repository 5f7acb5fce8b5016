"""What facts make of an order's row. Facts of different topics come in any order: every merge gives the same in each.

A Change holds what one or several facts say; what they do not say is None and leaves the row as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from anyascii import anyascii

from schemas.careplan import Changes, ModelUse, Review
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
_DECIDED: dict[type[Fact], OrderStatus] = {
    OrderAccepted: "processing",
    OrderWarned: "needs_confirmation",
    OrderRejected: "rejected",
}


@dataclass(frozen=True, slots=True)
class Submitted:
    source: str
    external_id: str | None
    at: datetime
    order: Order


@dataclass(frozen=True, slots=True)
class Reached:
    """A status, when it ended the order's way, if it did, and why it failed, if it did.

    Of two, the one with the greater (attempt, rank) counts.
    """

    attempt: int
    status: OrderStatus
    ended_at: datetime | None = None
    failure: Finding | None = None

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
    careplan_id: UUID | None = None
    careplan_version: int | None = None
    review: Review | None = None
    approved_at: datetime | None = None
    model_use: Mapping[int, ModelUse] = field(default_factory=dict)
    """By attempt: a retry is paid for beside the failure before it."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a care plan, or the news that it was approved."""

    careplan_id: UUID
    version: int
    order_id: UUID
    careplan: bytes | None = None
    """Packed."""
    created_at: datetime | None = None
    created_by: str | None = None
    note: str | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None
    changes: Changes | None = None


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
        case OrderAccepted() | OrderWarned() | OrderRejected() as fact:
            status = _DECIDED[type(fact)]
            return Change(
                order_id,
                at,
                reached=Reached(fact.attempt, status, at if status == "rejected" else None),
                decided_attempt=fact.attempt,
                problems=fact.findings,
                accepted_at=at if status == "processing" else None,
            )
        case CarePlanCompleted() as fact:
            return Change(
                order_id,
                at,
                reached=Reached(fact.attempt, "completed", at),
                accepted_at=fact.accepted_at,
                careplan_id=fact.careplan_id,
                careplan_version=fact.version,
                review="draft",
                model_use={fact.attempt: fact.model_use},
            )
        case CarePlanFailed() as fact:
            return Change(
                order_id,
                at,
                reached=Reached(fact.attempt, "failed", at, fact.finding()),
                accepted_at=fact.accepted_at,
                model_use={fact.attempt: fact.model_use},
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
    planned = max((one, two), key=lambda change: (change.careplan_version or 0, change.review == "approved"))
    return replace(
        one,
        at=max(one.at, two.at),
        submitted=one.submitted or two.submitted,
        reached=reached,
        decided_attempt=decided.decided_attempt,
        problems=decided.problems,
        accepted_at=one.accepted_at or two.accepted_at,
        careplan_id=planned.careplan_id,
        careplan_version=planned.careplan_version,
        review=planned.review,
        approved_at=planned.approved_at,
        model_use={**two.model_use, **one.model_use},
    )


def version_of(event: Event) -> Version | None:
    match event.data:
        case CarePlanCompleted() as fact:
            return Version(
                fact.careplan_id, fact.version, fact.order_id, fact.careplan, event.time, "generator", "first draft"
            )
        case CarePlanRevised() as fact:
            revised = fact.revised
            return Version(
                fact.careplan_id,
                fact.version,
                fact.order_id,
                fact.careplan,
                revised.at,
                revised.by,
                fact.note,
                changes=fact.changes,
            )
        case CarePlanApproved() as fact:
            approved = fact.approved
            return Version(
                fact.careplan_id, fact.version, fact.order_id, approved_at=approved.at, approved_by=approved.by
            )
        case _:
            return None


def merged_versions(versions: Iterable[Version]) -> list[Version]:
    """One row a version: a version and its approval in one batch are one."""
    by_version: dict[tuple[UUID, int], Version] = {}
    for version in versions:
        earlier = by_version.setdefault((version.careplan_id, version.version), version)
        by_version[version.careplan_id, version.version] = Version(
            earlier.careplan_id,
            earlier.version,
            earlier.order_id,
            careplan=earlier.careplan or version.careplan,
            created_at=earlier.created_at or version.created_at,
            created_by=earlier.created_by or version.created_by,
            note=version.note if earlier.note is None else earlier.note,
            approved_at=earlier.approved_at or version.approved_at,
            approved_by=earlier.approved_by or version.approved_by,
            changes=earlier.changes or version.changes,
        )
    return list(by_version.values())


def searched_text(order: Order) -> str:
    patient = order.patient
    return folded(f"{patient.first_name} {patient.last_name} {patient.mrn} {order.medication}")


def searched_words(typed: str) -> tuple[str, ...]:
    """What must all be found: "Bell, Ana" asks for both names, in whichever order."""
    return tuple(word for part in folded(typed).split() if (word := part.strip(",;")))


def folded(text: str) -> str:
    """As search compares it: "Ibañez" is found by "ibanez"."""
    return anyascii(text).lower()
