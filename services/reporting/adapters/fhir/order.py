"""The order's part: patient, prescriber, diagnoses, allergies, weight, medicines. What the order does not say is absent."""

from collections.abc import Iterable

from schemas.order import Order, Patient
from services.reporting.adapters.fhir.parts import NPI, UNKNOWN, Ids, Json, hl7, loinc, words
from services.reporting.domain.pharmacy import Pharmacy

PATIENT, PRESCRIBER, MEDICATION, WEIGHT = "patient", "prescriber", "medication", "weight"
_ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
_SNOMED = "http://snomed.info/sct"
_NO_KNOWN_ALLERGY = frozenset({"no known allergies", "no known allergy"})


def order_entries(order: Order, ids: Ids, pharmacy: Pharmacy) -> list[Json]:
    return [
        _patient(order.patient, ids, pharmacy),
        _prescriber(order, ids),
        *_conditions(order, ids),
        *_allergies(order.patient, ids),
        *_weight(order, ids),
        _medication(order, ids),
        *_history(order, ids),
    ]


def concerns(order: Order) -> list[str]:
    """Names of the entries that stand under health concerns."""
    weight = [WEIGHT] if order.patient.weight_kg is not None else []
    return [*diagnosis_names(order), *_names("allergy", order.patient.allergies), *weight]


def concern_lines(order: Order) -> list[str]:
    """The same for people."""
    codes = (order.primary_diagnosis, *order.additional_diagnoses)
    weight = order.patient.weight_kg
    return [
        *(f"Diagnosis: {code}" for code in codes),
        *(f"Allergy: {text}" for _, text in _texts("allergy", order.patient.allergies)),
        *([f"Weight: {weight:g} kg"] if weight is not None else []),
    ]


def medicine_lines(order: Order) -> list[str]:
    history = (f"Medication history: {text}" for _, text in _texts("history", order.medication_history))
    return [f"Medication ordered: {order.medication}", *history]


def medicines(order: Order) -> list[str]:
    return [MEDICATION, *_names("history", order.medication_history)]


def diagnosis_names(order: Order) -> list[str]:
    return _names("diagnosis", (order.primary_diagnosis, *order.additional_diagnoses))


def _names(kind: str, items: tuple[str, ...]) -> list[str]:
    return [f"{kind}-{number}" for number, item in enumerate(items, start=1) if item.strip()]


def _patient(patient: Patient, ids: Ids, pharmacy: Pharmacy) -> Json:
    system: Json = {"system": pharmacy.mrn_system} if pharmacy.mrn_system else {"_system": UNKNOWN}
    return ids.entry(
        PATIENT,
        "Patient",
        identifier=[{"type": hl7("v2-0203", "MR"), **system, "value": patient.mrn}],
        name=[{"family": patient.last_name, "given": [patient.first_name]}],
        gender=patient.sex,
        birthDate=patient.date_of_birth.isoformat(),
    )


def _prescriber(order: Order, ids: Ids) -> Json:
    return ids.entry(
        PRESCRIBER,
        "Practitioner",
        identifier=[{"system": NPI, "value": order.provider.npi}],
        name=[{"text": order.provider.name, "_family": UNKNOWN}],
    )


def _conditions(order: Order, ids: Ids) -> Iterable[Json]:
    codes = (order.primary_diagnosis, *order.additional_diagnoses)
    for place, (name, code) in enumerate(_texts("diagnosis", codes)):
        yield ids.entry(
            name,
            "Condition",
            clinicalStatus=hl7("condition-clinical", "active"),
            category=[hl7("condition-category", "problem-list-item" if place else "encounter-diagnosis")],
            code={"coding": [{"system": _ICD10, "code": code}]},
            subject=ids.to(PATIENT),
        )


def _allergies(patient: Patient, ids: Ids) -> Iterable[Json]:
    for name, text in _texts("allergy", patient.allergies):
        stated_none = text.strip().rstrip(".").lower() in _NO_KNOWN_ALLERGY
        coding = {"coding": [{"system": _SNOMED, "code": "716186003"}]} if stated_none else {}
        yield ids.entry(
            name,
            "AllergyIntolerance",
            clinicalStatus=hl7("allergyintolerance-clinical", "active"),
            code={**coding, **words(text)},
            patient=ids.to(PATIENT),
        )


def _weight(order: Order, ids: Ids) -> Iterable[Json]:
    if order.patient.weight_kg is not None:
        kilograms = {
            "value": order.patient.weight_kg,
            "unit": "kg",
            "system": "http://unitsofmeasure.org",
            "code": "kg",
        }
        yield ids.entry(
            WEIGHT,
            "Observation",
            status="final",
            category=[hl7("observation-category", "vital-signs")],
            code=loinc("29463-7"),
            subject=ids.to(PATIENT),
            effectiveDateTime=order.order_date.isoformat(),  # as of which the order asserts it
            valueQuantity=kilograms,
        )


def _medication(order: Order, ids: Ids) -> Json:
    return ids.entry(
        MEDICATION,
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=words(order.medication),
        subject=ids.to(PATIENT),
        authoredOn=order.order_date.isoformat(),
        requester=ids.to(PRESCRIBER),
        reasonReference=[ids.to(diagnosis_names(order)[0])],
    )


def _history(order: Order, ids: Ids) -> Iterable[Json]:
    """Status unknown: a line of history may say that it was stopped, in words."""
    for name, text in _texts("history", order.medication_history):
        yield ids.entry(
            name,
            "MedicationStatement",
            status="unknown",
            medicationCodeableConcept=words(text),
            subject=ids.to(PATIENT),
        )


def _texts(kind: str, items: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    return zip(_names(kind, items), (item for item in items if item.strip()), strict=True)
