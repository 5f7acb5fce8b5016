"""Rules about who the patient is."""

from typing import Any

from schemas.order import Finding, Order
from services.validation.domain.register import KnownPatient, Register, person_of


def patient_mrn_mismatch(order: Order, known: Register) -> Finding | None:
    """The MRN is another person's, or this person's name or date of birth was mistyped, or has changed."""
    on_file = known.patient_of(order)
    if on_file is None or on_file.person == person_of(order):
        return None
    return Finding(
        type="warning",
        code="PATIENT_MRN_MISMATCH",
        message=f"MRN {order.patient.mrn} is on file with another name or date of birth.",
        detail={"on_file": shown(on_file), "submitted": _submitted(order)},
    )


def patient_possible_duplicate(order: Order, known: Register) -> Finding | None:
    """This person is known under another MRN; not asked where the MRN itself is known as this person's."""
    on_file = known.patient_of(order)
    if on_file is not None and on_file.person == person_of(order):
        return None
    elsewhere = known.same_person_elsewhere(order)
    if not elsewhere:
        return None
    return Finding(
        type="warning",
        code="PATIENT_POSSIBLE_DUPLICATE",
        message="A patient with this name and date of birth is on file under another MRN.",
        detail={"on_file": [shown(patient) for patient in elsewhere[:20]], "submitted": _submitted(order)},
    )


def shown(patient: KnownPatient) -> dict[str, Any]:
    return {
        "patient_id": str(patient.patient_id),
        "mrn": patient.mrn,
        "first_name": patient.first_name,
        "last_name": patient.last_name,
        "date_of_birth": patient.date_of_birth.isoformat(),
    }


def _submitted(order: Order) -> dict[str, Any]:
    return order.patient.model_dump(mode="json", include={"mrn", "first_name", "last_name", "date_of_birth"})
