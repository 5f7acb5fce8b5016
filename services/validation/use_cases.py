"""What validation does with the orders of a poll: lock, load, decide one after the other, save, emit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.telemetry import log
from schemas.event import Event, Fact
from schemas.intake import OrderConfirmed, OrderReceived
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned
from services.validation import storage
from services.validation.domain.decision import Admission, Candidate, Decision, admit, decide
from services.validation.domain.provider import CheckDigitRule
from services.validation.domain.register import Register, Sameness
from services.validation.metrics import FINDINGS

FACTS: tuple[type[Fact], ...] = (OrderReceived, OrderConfirmed)


@dataclass(frozen=True)
class Validation:
    database: Database
    sameness: Sameness
    check_digit: CheckDigitRule

    async def validate_orders(self, events: Sequence[Event]) -> None:
        async with self.database.transaction() as tx:
            new = await tx.first_time(events)
            if not new:
                return
            candidates = [_candidate(event) for event in new]
            known = await storage.open_register(tx, candidates, self.sameness)
            admissions: list[Admission] = []
            found: list[str] = []
            for event, candidate in zip(new, candidates, strict=True):
                decision = decide(candidate, known, self.check_digit)
                if decision.outcome == "accepted":
                    admissions.append(admit(candidate, known, (new_id(), new_id())))
                found += [finding.code for finding in decision.findings]
                self._tell(tx, event, candidate, decision, known)
            if admissions:
                await storage.save_admissions(tx, admissions)
        for code in found:
            FINDINGS.labels(code).inc()
        log.info("orders.decided", orders=len(new), accepted=len(admissions))

    def _tell(self, tx: Transaction, event: Event, candidate: Candidate, decision: Decision, known: Register) -> None:
        order_id, attempt, findings = candidate.order_id, candidate.attempt, decision.findings
        match decision.outcome:
            case "accepted":
                tx.emit(
                    OrderAccepted(
                        order_id=order_id,
                        attempt=attempt,
                        order=candidate.order,
                        findings=findings,
                        patient_id=known.patients[candidate.order.patient.mrn].patient_id,
                        provider_id=known.providers[candidate.order.provider.npi].provider_id,
                    ),
                    cause=event,
                )
            case "warned":
                tx.emit(OrderWarned(order_id=order_id, attempt=attempt, findings=findings), cause=event)
            case "rejected":
                tx.emit(OrderRejected(order_id=order_id, attempt=attempt, findings=findings), cause=event)
            case never:
                assert_never(never)


def _candidate(event: Event) -> Candidate:
    match event.data:
        case OrderReceived() as fact:
            return Candidate(
                fact.order_id,
                fact.attempt,
                fact.order,
                notices=fact.notices,
                warnings_accepted=fact.warnings_accepted,
            )
        case OrderConfirmed() as fact:
            return Candidate(fact.order_id, fact.attempt, fact.order, notices=fact.notices, confirmed=fact.confirmed)
        case other:
            raise TypeError(f"validation does not decide on {other.type}")
