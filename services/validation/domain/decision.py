"""What the findings on an order come to: any block rejects, any unconfirmed warning asks, everything else goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from schemas.order import Finding, Order
from services.validation.domain.duplicates import duplicate_order_other_day, duplicate_order_same_day
from services.validation.domain.patient import patient_mrn_mismatch, patient_possible_duplicate
from services.validation.domain.provider import CheckDigitRule, npi_check_digit, provider_npi_conflict
from services.validation.domain.register import KnownOrder, KnownPatient, KnownProvider, Register

Outcome = Literal["accepted", "warned", "rejected"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order before its decision. `confirmed` are the warnings its submitter has seen; None of them asks: all."""

    order_id: UUID
    attempt: int
    order: Order
    notices: tuple[Finding, ...] = ()
    confirmed: tuple[Finding, ...] = ()
    warnings_accepted: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """What accepting an order adds to the register. The records are new where `new_patient` or `new_provider` says so."""

    patient: KnownPatient
    provider: KnownProvider
    order: KnownOrder
    new_patient: bool
    new_provider: bool
    difference: dict[str, Any] | None
    """How the order's patient differs from the record it is filed under; the record stays as it was."""
    possible_duplicates: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    findings: tuple[Finding, ...]


def findings_on(order: Order, known: Register, check_digit: CheckDigitRule) -> list[Finding]:
    """Every rule, in the order of the table in docs/rules.md."""
    found = (
        provider_npi_conflict(order, known),
        patient_mrn_mismatch(order, known),
        patient_possible_duplicate(order, known),
        duplicate_order_same_day(order, known),
        duplicate_order_other_day(order, known),
        npi_check_digit(order, check_digit),
    )
    return [finding for finding in found if finding is not None]


def decide(candidate: Candidate, known: Register, check_digit: CheckDigitRule) -> Decision:
    """A confirmation covers the warnings that were shown: one that is new, or says something else now, is asked again."""
    findings = [
        finding.model_copy(update={"confirmed": _is_confirmed(finding, candidate)})
        for finding in findings_on(candidate.order, known, check_digit)
    ]
    everything = (*findings, *candidate.notices)
    if any(finding.type == "block" for finding in findings):
        return Decision("rejected", everything)
    if any(finding.type == "warning" and not finding.confirmed for finding in findings):
        return Decision("warned", everything)
    return Decision("accepted", everything)


def _is_confirmed(finding: Finding, candidate: Candidate) -> bool:
    if finding.type != "warning":
        return False
    seen = any(shown.code == finding.code and shown.detail == finding.detail for shown in candidate.confirmed)
    return candidate.warnings_accepted or seen


def admit(candidate: Candidate, known: Register, new_ids: Sequence[UUID]) -> Admission:
    """Files an accepted order: under the patient with its MRN, or as a new one. `new_ids`: two, used where needed."""
    order, (patient_id, provider_id) = candidate.order, new_ids
    on_file, registered = known.patient_of(order), known.providers.get(order.provider.npi)
    patient = on_file or KnownPatient(
        patient_id, order.patient.mrn, order.patient.first_name, order.patient.last_name, order.patient.date_of_birth
    )
    provider = registered or KnownProvider(provider_id, order.provider.npi, order.provider.name)
    mismatch = patient_mrn_mismatch(order, known)
    duplicate = patient_possible_duplicate(order, known)
    admission = Admission(
        patient=patient,
        provider=provider,
        order=KnownOrder(
            candidate.order_id, patient.patient_id, known.sameness.drug(order.medication), order.order_date
        ),
        new_patient=on_file is None,
        new_provider=registered is None,
        difference=dict(mismatch.detail) if mismatch else None,
        possible_duplicates=tuple(p.patient_id for p in known.same_person_elsewhere(order)) if duplicate else (),
    )
    known.add_patient(patient)
    known.add_provider(provider)
    known.add_order(admission.order)
    return admission
