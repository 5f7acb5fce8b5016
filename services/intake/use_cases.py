"""What intake does: receive an order, follow its progress, confirm, retry. Each opens, loads, decides, saves, emits."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.audit.entry import current
from chassis.batches import Batches
from chassis.database import OUTAGES, Database, Transaction
from chassis.errors import ApplicationError, Fault, InvalidInput, NotFound, Rejected, UnsupportedMediaType, WrongState
from chassis.idempotency import Memo, answer_once, error_answer, record, remember_refusal
from chassis.ids import new_id
from chassis.pacing import in_step
from chassis.security import Caller
from chassis.strict_json import parse_json
from chassis.telemetry import current_traceparent, log
from schemas.event import Event
from schemas.intake import CarePlanRequested, OrderConfirmed, OrderReceived
from schemas.order import Finding
from services.intake import document_rows, metrics, storage
from services.intake.archive import KeptDocument
from services.intake.changes import Changes
from services.intake.domain import answers, progress
from services.intake.domain.draft import Draft
from services.intake.domain.order_form import FormRules, diagnoses_in
from services.intake.domain.orders import StoredOrder, Submission
from services.intake.icd10 import Icd10
from services.intake.storage import NewOrder


@dataclass(frozen=True, slots=True)
class Request:
    """What all POSTs here have in common. `wait_seconds`: hold the answer until validation has decided."""

    caller: Caller
    memo: Memo | None
    wait_seconds: float = 0


@dataclass
class Intake:
    database: Database
    changes: Changes
    icd10: Icd10
    form_rules: Callable[[], FormRules]
    """The pharmacy's form of an MRN, and its today."""
    _submissions: Batches[NewOrder, Answer] = field(init=False)

    def __post_init__(self) -> None:
        self._submissions = Batches(self._receive_orders, shared_failures=OUTAGES)

    # ── receive ────────────────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, request: Request, media_type: str, body: bytes) -> Answer:
        """Answers 202 once the order is durable, 400 with every fault otherwise; waits for the decision where asked."""
        try:
            if media_type != "application/json":
                raise UnsupportedMediaType("Send an order as application/json, or as multipart/form-data with a file.")
            submission = await self.judge(Draft(*parse_json(body)), "web")
        except Rejected as refusal:
            return await self.refuse(request, refusal)
        return await self.receive(request, submission)

    async def judge(self, draft: Draft, source: str) -> Submission:
        """The order that the draft is, or InvalidInput with everything that is wrong with it, by its sender's names."""
        await in_step()
        rules = self.form_rules()
        form, faults = draft.check(rules)
        named = diagnoses_in(draft.values)
        billable = await self.icd10.billable(named.values())
        unknown = [_unknown_code(where, code) for where, code in named.items() if code not in billable]
        faults = draft.in_places(faults, unknown)
        if form is None or faults:
            raise InvalidInput(faults)
        categories = [(draft.place_of(where), code) for where, code in named.items() if not billable[code]]
        notices = (*draft.notices(), *(_not_billable(place, code) for place, code in categories))
        return Submission(source, draft.external_id, form.order(rules.today), notices, bool(form.confirm))

    async def refuse(self, request: Request, refusal: Rejected) -> Answer:
        """The refusal as an answer; where the request's key was used before, the answer it had then."""
        return await self._settle(request, await remember_refusal(self.database, request.memo, refusal))

    async def receive(self, request: Request, submission: Submission, documents: Sequence[KeptDocument] = ()) -> Answer:
        """202 once the order is durable, and with it the documents it came from."""
        order_id = new_id()
        first = answers.waits(order_id) if request.wait_seconds else answers.accepted(order_id, "pending")
        answer = await self._submissions.submit(
            NewOrder(
                order_id=order_id,
                source=submission.source,
                external_id=submission.external_id,
                submitted_by=request.caller.subject,
                order=submission.order,
                notices=submission.notices,
                warnings_accepted=submission.warnings_accepted,
                memo=request.memo,
                first_answer=first,
                documents=tuple(documents),
                trace=current_traceparent(),
                entry=current(),
            )
        )
        return await self._settle(request, answer)

    async def _receive_orders(self, new: Sequence[NewOrder]) -> list[Answer]:
        async with self.database.transaction() as tx:
            earlier = await storage.claim_memos(tx, new)
            fresh = [order for order in new if order.order_id not in earlier]
            if fresh:
                await storage.insert_orders(tx, fresh)
            for order in fresh:
                tx.emit(_received(order, tx.now), trace=order.trace)
                tx.audit(order.entry, 202, order.order_id)
            # A repeat's documents too: they were sent, and belong to the first one's order.
            of = {order.order_id: earlier.get(order.order_id, order.first_answer).subject for order in new}
            kept = [(document, of[order.order_id]) for order in new for document in order.documents]
            await document_rows.insert_documents(tx, kept)
        for order in fresh:
            metrics.ORDERS_RECEIVED.labels(order.source).inc()
        if fresh:
            log.info("orders.received", orders=len(fresh), first=str(fresh[0].order_id))
        return [earlier.get(order.order_id, order.first_answer) for order in new]

    # ── wait ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _settle(self, request: Request, answer: Answer) -> Answer:
        """An answer that is there is given; one that waits for a decision is found, and remembered as the first."""
        if answer.status is not None:
            return answer
        assert answer.subject is not None
        settled = await self._decision(answer.subject, request)
        if request.memo is None:
            return settled
        async with self.database.transaction() as tx:
            return await record(tx, request.memo, settled)

    async def _decision(self, order_id: UUID, request: Request) -> Answer:
        async for _ in self.changes.ticks(order_id, request.wait_seconds):
            async with self.database.reading() as db:
                row = await storage.status_of(db, order_id)
            if row is not None and row["status"] != "pending":
                break
        async with self.database.reading() as db:
            stored = await storage.order_by_id(db, order_id)
        assert stored is not None
        outcome = answers.decision(order_id, stored.progress, for_partner=request.caller.is_partner)
        return error_answer(outcome) if isinstance(outcome, ApplicationError) else outcome

    async def look(self, caller: Caller, order_id: UUID) -> dict[str, Any]:
        """One order as `GET /api/orders/{order_id}` shows it. NotFound where it is not the caller's."""
        async with self.database.reading() as db:
            stored = await storage.order_by_id(db, order_id)
        return answers.shown_order(_own(caller, stored), for_partner=caller.is_partner)

    async def follow(self, caller: Caller, order_id: UUID) -> AsyncIterator[dict[str, Any]]:
        """The order at once, then once for each change, until a terminal status."""
        seen: StoredOrder | None = None
        async for _ in self.changes.ticks(order_id, None):
            async with self.database.reading() as db:
                stored = _own(caller, await storage.order_by_id(db, order_id))
            for shown in answers.changes_since(seen, stored):
                yield answers.shown_order(shown, for_partner=caller.is_partner)
            if stored.progress.status in progress.TERMINAL:
                return
            seen = stored

    # ── confirm, retry ─────────────────────────────────────────────────────────────────────────────────────────

    async def confirm(self, request: Request, order_id: UUID) -> Answer:
        """The submitter goes on in spite of the warnings shown. WrongState unless the order waits for that."""

        async def work(tx: Transaction) -> Answer:
            stored = _own(request.caller, await storage.order_by_id(tx, order_id, lock=True))
            if stored.progress.status != "needs_confirmation":
                raise WrongState(f"The order is {stored.progress.status}: there is nothing to confirm.")
            going_on = progress.confirmed(stored.progress, tx.now)
            await storage.save_progress(tx, {order_id: going_on})
            await storage.start_moving(tx, order_id)
            tx.emit(_confirmed(stored, going_on.attempt))
            tx.audit(current(), 202)
            return answers.waits(order_id) if request.wait_seconds else answers.accepted(order_id, "pending")

        return await self._settle(request, await answer_once(self.database, request.memo, work))

    async def retry(self, request: Request, order_id: UUID) -> Answer:
        """Asks again for a care plan whose generation gave up. WrongState unless it failed."""

        async def work(tx: Transaction) -> Answer:
            stored = _own(request.caller, await storage.order_by_id(tx, order_id, lock=True))
            if stored.progress.status != "failed":
                raise WrongState(f"The order is {stored.progress.status}: only a failed one can be tried again.")
            again = progress.retried(stored.progress, tx.now)
            await storage.save_progress(tx, {order_id: again})
            await storage.start_moving(tx, order_id)
            tx.emit(CarePlanRequested(order_id=order_id, attempt=again.attempt))
            tx.audit(current(), 202)
            return answers.accepted(order_id, "processing", waited=request.wait_seconds > 0)

        return await answer_once(self.database, request.memo, work)

    # ── follow what the others decided ─────────────────────────────────────────────────────────────────────────

    async def apply_progress(self, events: Sequence[Event]) -> None:
        async with self.database.transaction() as tx:
            new = await tx.first_time(events)
            current = await storage.progress_of(tx, [event.subject for event in new])
            changed: dict[UUID, progress.Progress] = {}
            for event in new:
                before = changed.get(event.subject) or current.get(event.subject)
                if before is None:
                    log.warning("order.unknown", order_id=str(event.subject), type=event.type)
                    continue
                after = progress.after(before, event)
                if after is not before:
                    changed[event.subject] = after
            if changed:
                await storage.save_progress(tx, changed)
        metrics.plans_came([(current[order_id], after) for order_id, after in changed.items()])

    async def nudge(self) -> None:
        """Has the last event of every order that stands still sent again."""
        async with self.database.transaction() as tx:
            nudged = await storage.nudge_stuck_orders(tx)
        if nudged:
            self.database.outbox_filled.set()
            metrics.ORDERS_NUDGED.inc(nudged)
            log.warning("orders.nudged", orders=nudged)


def _own(caller: Caller, stored: StoredOrder | None) -> StoredOrder:
    """A partner's order is its source's; another's is answered exactly as one that does not exist."""
    if stored is None or (caller.is_partner and caller.source != stored.source):
        raise NotFound("There is no such order.")
    return stored


def _received(order: NewOrder, at: datetime) -> OrderReceived:
    return OrderReceived(
        order_id=order.order_id,
        source=order.source,
        external_id=order.external_id,
        submitted_at=at,
        order=order.order,
        notices=order.notices,
        warnings_accepted=order.warnings_accepted,
    )


def _confirmed(stored: StoredOrder, attempt: int) -> OrderConfirmed:
    shown = tuple(finding for finding in stored.progress.problems if finding.type == "warning")
    return OrderConfirmed(
        order_id=stored.order_id,
        attempt=attempt,
        source=stored.source,
        order=stored.order,
        notices=stored.notices,
        confirmed=shown,
    )


def _unknown_code(where: str, code: str) -> Fault:
    return Fault(where, "ICD10_UNKNOWN", f"{code} is not in the ICD-10-CM edition that this system carries.")


def _not_billable(where: str, code: str) -> Finding:
    return Finding(
        type="notice",
        code="ICD10_NOT_BILLABLE",
        message=f"{code} is a category: a payer wants one of the codes below it.",
        detail={"field": where, "diagnosis": code},
    )
