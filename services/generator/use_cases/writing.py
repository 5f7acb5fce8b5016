"""What the generator does: take on accepted orders, and write each one's plan in a job.

    lease a job ──> an answer is kept? ──no──> ask the model ──> keep its raw answer (billed models)
                            └──────────yes────────────────────────────┤
                 assemble and check ──right──> save the plan, emit CarePlanCompleted
                            └──wrong──> again, with the complaints; after three billed tries CarePlanFailed

Nothing is held open while the model thinks: each arrow that writes is a short transaction of its own, fenced by the lease.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis.batches import Batches
from chassis.crypto import Keyring
from chassis.database import OUTAGES, Database
from chassis.ids import new_id
from chassis.messaging.jobs import Job, NewJob, Room, finish_jobs, no_room, postpone_job
from chassis.telemetry import log
from schemas.careplan import CarePlan, ModelUse, pack
from schemas.event import Event, Fact
from schemas.generator import CarePlanCompleted, CarePlanFailed
from schemas.intake import CarePlanRequested
from schemas.validation import OrderAccepted
from services.generator import ledger, metrics, storage
from services.generator.adapters.model import ModelAnswer, ModelFailed, ModelUnavailable
from services.generator.domain.answer import BadAnswer
from services.generator.domain.request import PlanRequest
from services.generator.storage import Assignment, KeptAnswer
from services.generator.use_cases.asking import Asking

FACTS: tuple[type[Fact], ...] = (OrderAccepted, CarePlanRequested)

MOST_BILLED_TRIES = 3
_LONGEST_BACKOFF_SECONDS = 60.0
_LONGEST_RETRY_AFTER_SECONDS = 300.0
_MOST_COMPLAINTS = 8


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a job ended: with a plan, or with the reason why there is none."""

    job: Job
    assignment: Assignment
    model_use: ModelUse
    packed_plan: bytes | None = None
    reason: str = ""
    message: str = ""


@dataclass
class Generator:
    database: Database
    keyring: Keyring
    asking: Asking
    prepare: Callable[[Assignment], PlanRequest]
    """The order with the facts and the checklist that a plan is written from."""
    compose: Callable[[ModelAnswer, PlanRequest], CarePlan]
    """The model's answer as a care plan that passes every gate; BadAnswer says what is wrong with it."""
    billed: bool
    """Whether somebody may send a bill: then answers are kept, and what a plan took is read from the ledger."""
    room: Callable[[], AbstractAsyncContextManager[Room]] = no_room
    """What the worker of this process can begin at once."""
    first_backoff_seconds: float = 1.0
    _at_hand: dict[UUID, Assignment] = field(default_factory=dict)
    """Of jobs that begin where they were made: what need not be read."""
    _assignments: Batches[UUID, Assignment] = field(init=False)
    _outcomes: Batches[_Outcome, None] = field(init=False)

    def __post_init__(self) -> None:
        self._assignments = Batches(self._load_assignments, shared_failures=OUTAGES)
        self._outcomes = Batches(self._save_outcomes, shared_failures=OUTAGES)

    # ── take on ────────────────────────────────────────────────────────────────────────────────────────────────

    async def take_on(self, events: Sequence[Event]) -> None:
        async with self.room() as room:
            async with self.database.transaction() as tx:
                new = await tx.first_time(events)
                accepted = {
                    event.subject: Assignment(event.data.order, event.time, event.data.findings)
                    for event in new
                    if isinstance(event.data, OrderAccepted)
                }
                if accepted:
                    await storage.keep_orders(tx, list(accepted.items()))
                leased = await room.add_jobs(tx, [_job_for(event) for event in new])
            self._at_hand |= {job.id: accepted[job.subject] for job in leased if job.subject in accepted}
        if new:
            log.info("jobs.added", jobs=len(new))

    # ── write ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def write_plan(self, job: Job) -> None:
        """One lease of a job, to its end: a plan, a failure, or postponed."""
        assignment = self._at_hand.pop(job.id, None) or await self._assignments.submit(job.subject)
        kept = await self._kept_answers(job)
        request = self.prepare(assignment)
        try:
            latest = kept[-1] if kept and not kept[-1].refused else await self._ask(job, request, kept)
        except ModelUnavailable as away:
            await self._postpone(job, self._pause(job.free_tries, away.retry_after), away.reason, billed=False)
            return
        except ModelFailed as failure:
            await self._again_or_give_up(job, assignment, failure.reason)
            return
        try:
            plan = self.compose(latest.answer, request)
        except BadAnswer as bad:
            await self._refuse(job, latest, bad.reasons)
            await self._again_or_give_up(job, assignment, "ANSWER_NOT_USABLE", bad.reasons)
            return
        used = await self._used(job)
        await self._outcomes.submit(_Outcome(job, assignment, used, packed_plan=pack(plan)))

    async def _load_assignments(self, order_ids: Sequence[UUID]) -> list[Assignment]:
        async with self.database.reading() as db:
            found = await storage.assignments(db, order_ids)
        return [found[order_id] for order_id in order_ids]

    async def _kept_answers(self, job: Job) -> list[KeptAnswer]:
        # A first lease has none, and an unbilled model keeps none: its answer costs nothing to have again.
        if job.generation == 1 or not self.billed:
            return []
        async with self.database.reading() as db:
            return await storage.answers_of(db, job, self.keyring)

    async def _ask(self, job: Job, request: PlanRequest, kept: Sequence[KeptAnswer]) -> KeptAnswer:
        if job.billed_tries > MOST_BILLED_TRIES:
            raise ModelFailed("TRIES_USED_UP")
        return await self.asking.ask(job, request, kept[-1].complaints if kept else ())

    async def _used(self, job: Job) -> ModelUse:
        if not self.billed:
            return ModelUse()
        async with self.database.reading() as db:
            return await ledger.use_of(db, job)

    # ── end ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _save_outcomes(self, outcomes: Sequence[_Outcome]) -> list[None]:
        async with self.database.transaction() as tx:
            mine = await finish_jobs(tx, [outcome.job for outcome in outcomes])
            # The others lost their lease while they worked: their successors' outcome counts.
            valid = [outcome for outcome in outcomes if outcome.job.id in mine]
            plans = [(outcome, outcome.packed_plan) for outcome in valid if outcome.packed_plan is not None]
            careplan_ids = (
                await storage.add_careplans(tx, [(o.job.subject, plan) for o, plan in plans]) if plans else []
            )
            for (outcome, plan), careplan_id in zip(plans, careplan_ids, strict=True):
                tx.emit(_completed(outcome, plan, careplan_id), cause=outcome.job.cause)
            for outcome in valid:
                if outcome.packed_plan is None:
                    tx.emit(_failed(outcome), cause=outcome.job.cause)
        for outcome in valid:
            if outcome.packed_plan is None:
                metrics.PLANS_GIVEN_UP.labels(outcome.reason).inc()
        log.info("plans.written", completed=len(plans), failed=len(valid) - len(plans), lost=len(outcomes) - len(valid))
        return [None] * len(outcomes)

    async def _again_or_give_up(
        self, job: Job, assignment: Assignment, reason: str, complaints: Sequence[str] = ()
    ) -> None:
        if job.billed_tries < MOST_BILLED_TRIES:
            await self._postpone(job, self._pause(job.billed_tries, None), reason, billed=True)
            return
        message = _failure_message(reason, complaints)
        used = await self._used(job)
        await self._outcomes.submit(_Outcome(job, assignment, used, reason=reason, message=message))

    async def _refuse(self, job: Job, kept: KeptAnswer, complaints: tuple[str, ...]) -> None:
        metrics.ANSWERS_REFUSED.inc()
        if self.billed:
            refused = KeptAnswer(kept.generation, kept.answer, kept.seconds, refused=True, complaints=complaints)
            async with self.database.transaction() as tx:
                await storage.refuse_answer(tx, job, refused, self.keyring)

    def _pause(self, tries: int, retry_after: float | None) -> timedelta:
        """Exponential with jitter; longer where the provider asks for it, within reason."""
        backoff = min(self.first_backoff_seconds * 2.0**tries, _LONGEST_BACKOFF_SECONDS)
        jittered = backoff * random.uniform(0.5, 1.0)  # noqa: S311 (spreads retries; no secret)
        return timedelta(seconds=max(jittered, min(retry_after or 0.0, _LONGEST_RETRY_AFTER_SECONDS)))

    async def _postpone(self, job: Job, pause: timedelta, reason: str, *, billed: bool) -> None:
        log.warning("job.postponed", order_id=str(job.subject), reason=reason, seconds=pause.total_seconds())
        async with self.database.transaction() as tx:
            await postpone_job(tx, job, pause, billed=billed)


_FAILURE_MESSAGES = {
    "ANSWER_NOT_USABLE": "The language model's answers could not be used as a care plan. Try again, or write it by hand.",
    "TIMEOUT": "The language model did not answer in time. Try again later.",
    "CUT": "The language model's answer broke off. Try again later.",
    "MALFORMED": "The language model's service answered with something unreadable. Try again later.",
    "REFUSED": "The language model declined to write this plan. Write it by hand.",
    "TOO_LONG": "The records are too long for the language model. Shorten them in a new order, or write the plan by hand.",
    "REQUEST_REFUSED": "The language model's service does not take this request. An operator should look at the logs.",
    "TRIES_USED_UP": "Three tries did not give a care plan. Try again, or write it by hand.",
}


def _job_for(event: Event) -> NewJob:
    attempt = event.data.attempt if isinstance(event.data, OrderAccepted | CarePlanRequested) else 0
    return NewJob(new_id(), event.subject, attempt, event.id, event.trace)


def _failure_message(reason: str, complaints: Sequence[str]) -> str:
    """What a person can do, and what was wrong with the last answer."""
    message = _FAILURE_MESSAGES.get(reason, _FAILURE_MESSAGES["ANSWER_NOT_USABLE"])
    return f"{message} What was wrong at last: {'; '.join(complaints[:_MOST_COMPLAINTS])}." if complaints else message


def _completed(outcome: _Outcome, plan: bytes, careplan_id: UUID) -> CarePlanCompleted:
    return CarePlanCompleted(
        order_id=outcome.job.subject,
        attempt=outcome.job.attempt,
        careplan_id=careplan_id,
        accepted_at=outcome.assignment.accepted_at,
        careplan=plan,
        model_use=outcome.model_use,
    )


def _failed(outcome: _Outcome) -> CarePlanFailed:
    return CarePlanFailed(
        order_id=outcome.job.subject,
        attempt=outcome.job.attempt,
        accepted_at=outcome.assignment.accepted_at,
        reason=outcome.reason,
        message=outcome.message,
        model_use=outcome.model_use,
    )
