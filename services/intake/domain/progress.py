"""How far an order is: what each fact makes of its status, whichever order the facts arrive in.

    pending ──> processing ──> completed            failed ──retry──> processing
       │  └───> rejected   └─> failed
       └──> needs_confirmation ──confirm──> pending, or straight to its outcome

Facts of different topics come in any order, so they merge by (attempt, rank): nothing ever moves back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from schemas.careplan import Review
from schemas.event import Event, Fact
from schemas.generator import (
    GENERATION_FAILED,
    CarePlanApproved,
    CarePlanCompleted,
    CarePlanFailed,
    CarePlanRevised,
)
from schemas.order import Finding, OrderStatus
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned

RANK: dict[OrderStatus, int] = {
    "pending": 0,
    "needs_confirmation": 1,
    "processing": 2,
    "rejected": 3,
    "failed": 3,
    "completed": 3,
}
TERMINAL: frozenset[OrderStatus] = frozenset({"rejected", "completed", "failed"})
FACTS: tuple[type[Fact], ...] = (
    OrderAccepted,
    OrderWarned,
    OrderRejected,
    CarePlanCompleted,
    CarePlanFailed,
    CarePlanRevised,
    CarePlanApproved,
)


@dataclass(frozen=True, slots=True)
class Step:
    status: OrderStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class CurrentPlan:
    careplan_id: UUID
    version: int
    review: Review
    careplan: bytes | None
    """Packed. None only where an approval overtook the plan it approves."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One order's way so far. `problems` are the findings of the attempt that was decided last."""

    attempt: int
    status: OrderStatus
    problems: tuple[Finding, ...]
    decided_attempt: int
    timeline: tuple[Step, ...]
    plan: CurrentPlan | None = None

    @property
    def decided(self) -> bool:
        return self.status != "pending"


def after(progress: Progress, event: Event) -> Progress:
    """What `progress` is once `event` is known; the same object where it changes nothing."""
    match event.data:
        case OrderAccepted() as fact:
            return _reach(_decide(progress, fact.attempt, fact.findings), fact.attempt, "processing", event.time)
        case OrderWarned() as fact:
            return _reach(
                _decide(progress, fact.attempt, fact.findings), fact.attempt, "needs_confirmation", event.time
            )
        case OrderRejected() as fact:
            return _reach(_decide(progress, fact.attempt, fact.findings), fact.attempt, "rejected", event.time)
        case CarePlanCompleted() as fact:
            accepted = _reach(progress, fact.attempt, "processing", fact.accepted_at)
            done = _reach(accepted, fact.attempt, "completed", event.time)
            return _show(done, CurrentPlan(fact.careplan_id, fact.version, "draft", fact.careplan))
        case CarePlanFailed() as fact:
            accepted = _reach(progress, fact.attempt, "processing", fact.accepted_at)
            failed = _reach(accepted, fact.attempt, "failed", event.time)
            if failed is accepted:
                return progress
            return replace(failed, problems=(*_without_failures(failed.problems), fact.finding()))
        case CarePlanRevised() as fact:
            return _show(progress, CurrentPlan(fact.careplan_id, fact.version, "draft", fact.careplan))
        case CarePlanApproved() as fact:
            return _show(progress, CurrentPlan(fact.careplan_id, fact.version, "approved", None))
        case _:
            return progress


def confirmed(progress: Progress, at: datetime) -> Progress:
    return _reach(progress, progress.attempt + 1, "pending", at)


def retried(progress: Progress, at: datetime) -> Progress:
    again = _reach(progress, progress.attempt + 1, "processing", at)
    return replace(again, problems=_without_failures(progress.problems))


def _reach(progress: Progress, attempt: int, status: OrderStatus, at: datetime) -> Progress:
    if (attempt, RANK[status]) <= (progress.attempt, RANK[progress.status]):
        return progress
    return replace(progress, attempt=attempt, status=status, timeline=(*progress.timeline, Step(status, at)))


def _decide(progress: Progress, attempt: int, findings: Sequence[Finding]) -> Progress:
    """A decision's findings count even where the plan arrived before the decision did."""
    if attempt <= progress.decided_attempt:
        return progress
    failures = tuple(finding for finding in progress.problems if finding.code == GENERATION_FAILED)
    return replace(progress, problems=(*findings, *failures), decided_attempt=attempt)


def _show(progress: Progress, plan: CurrentPlan) -> Progress:
    """The newest version counts; of one version, approved beats draft."""
    shown = progress.plan
    if shown is None or plan.version > shown.version:
        return replace(progress, plan=plan)
    if plan.version < shown.version:
        return progress
    review: Review = "approved" if "approved" in (plan.review, shown.review) else "draft"
    merged = replace(shown, review=review, careplan=shown.careplan or plan.careplan)
    return progress if merged == shown else replace(progress, plan=merged)


def _without_failures(problems: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in problems if finding.code != GENERATION_FAILED)
