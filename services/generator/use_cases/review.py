"""A pharmacist's part: revise a draft, and sign it. Every version stays, with who, when and why."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.audit.entry import current
from chassis.database import Database, Transaction
from chassis.errors import NotFound, WrongState
from chassis.idempotency import Memo, answer_once
from schemas.careplan import CarePlan, Signature, pack
from schemas.generator import CarePlanApproved, CarePlanRevised
from services.generator import storage
from services.generator.domain.request import PlanRequest
from services.generator.domain.revision import SECTION_OF, ApprovalForm, RevisionForm, changes_between, ids_of, revised
from services.generator.domain.signing import OpenGate, open_gates
from services.generator.storage import Assignment, StoredPlan


@dataclass(frozen=True)
class Review:
    database: Database
    prepare: Callable[[Assignment], PlanRequest]
    """What a plan for this order has to hold up to."""

    async def revise(self, memo: Memo | None, by: str, careplan_id: UUID, form: RevisionForm) -> Answer:
        """The next version, a draft again. NotFound; InvalidInput where it names what does not exist."""

        async def work(tx: Transaction) -> Answer:
            stored = await _locked(tx, careplan_id)
            used = {name for plan in await storage.all_versions(tx, careplan_id) for name in ids_of(plan.sections)}
            plan = revised(stored.careplan, form, used)
            version, signature = stored.version + 1, Signature(by=by, at=tx.now)
            packed = pack(plan)
            await storage.add_version(tx, careplan_id, version, packed, signature, form.note)
            rejected = [(r.item, r.reason) for r in form.rejected]
            await storage.add_rejections(tx, careplan_id, version, by, rejected, plan.produced_by)
            tx.emit(
                CarePlanRevised(
                    order_id=stored.order_id,
                    careplan_id=careplan_id,
                    version=version,
                    careplan=packed,
                    revised=signature,
                    note=form.note,
                    changes=changes_between(stored.careplan, plan),
                )
            )
            tx.audit(current(), 201, stored.order_id)
            return _reviewed(201, careplan_id, version, "draft", plan)

        return await answer_once(self.database, memo, work)

    async def approve(self, memo: Memo | None, by: str, careplan_id: UUID, form: ApprovalForm) -> Answer:
        """Signs the current version. WrongState where another was meant, it is signed already, or a gate is open."""

        async def work(tx: Transaction) -> Answer:
            stored = await _locked(tx, careplan_id)
            if form.version not in (None, stored.version):
                raise WrongState(f"The current version is {stored.version}, not {form.version}: read it first.")
            if stored.review == "approved":
                raise WrongState(f"Version {stored.version} is approved already.")
            if open_now := await self._open_gates(tx, careplan_id, stored):
                raise WrongState(
                    f"This plan cannot be approved: {len(open_now)} gates are open. Revise it first.",
                    {"gates": [asdict(gate) for gate in open_now]},
                )
            await storage.mark_approved(tx, careplan_id)
            tx.emit(
                CarePlanApproved(
                    order_id=stored.order_id,
                    careplan_id=careplan_id,
                    version=stored.version,
                    approved=Signature(by=by, at=tx.now),
                )
            )
            tx.audit(current(), 200, stored.order_id)
            return _reviewed(200, careplan_id, stored.version, "approved", stored.careplan)

        return await answer_once(self.database, memo, work)

    async def _open_gates(self, tx: Transaction, careplan_id: UUID, stored: StoredPlan) -> list[OpenGate]:
        first = await storage.first_version(tx, careplan_id)
        notes = await storage.revision_notes(tx, careplan_id)
        return open_gates(stored.careplan, self.prepare(stored.assignment), first, notes)

    async def rejections(self, first: date | None, last: date | None) -> dict[str, Any]:
        """What pharmacists strike out, counted: what happens often is a fault of the prompt or of a fact."""
        async with self.database.reading() as db:
            rows = await storage.rejections(db, first, last)
        return {"items": [{"section": SECTION_OF[row.pop("letter")], **row} for row in rows]}


async def _locked(tx: Transaction, careplan_id: UUID) -> StoredPlan:
    stored = await storage.plan_for_review(tx, careplan_id)
    if stored is None:
        raise NotFound("There is no such care plan.")
    return stored


def _reviewed(status: int, careplan_id: UUID, version: int, review: str, plan: CarePlan) -> Answer:
    edited = {"text_edited": True} if plan.text_edited else {}
    body = {"careplan_id": str(careplan_id), "version": version, "review": review, **edited}
    return Answer(status, json.dumps(body), {"Location": f"/api/careplans/{careplan_id}"}, careplan_id)
