"""`pharmacorp`: a drug maker's hub. Namespaced XML, US dates, records as text or as a PDF in base64."""

import base64
import binascii
import re
from xml.etree.ElementTree import Element

from chassis.errors import TooLarge
from services.intake.adapters.base import TEXT_LIMIT, Draft, Found, Source, put_external_id
from services.intake.adapters.values import date_as, decimal, kilograms, one_of
from services.intake.adapters.xml_tree import Spot, XmlElement, parse_xml
from services.intake.domain.draft import EnclosedFile
from services.intake.domain.records import LARGEST_FILE

_NAMESPACE, _ROOT = "urn:pharmacorp:careorder:2", "CareOrder"
_ORDER = Spot(f"{{{_NAMESPACE}}}", "co:")
_ORDER_DATE, _BIRTH_DATE = date_as("MM-DD-YYYY"), date_as("YYYYMMDD")
_SEX = one_of({"F": "female", "M": "male", "UN": "unknown"})
_RANK = re.compile(r"[1-9][0-9]{0,3}")


class PharmaCorp(Source):
    name = "pharmacorp"
    content_type = "application/xml"
    largest_body = 15 * 1024 * 1024

    def parse(self, body: bytes) -> tuple[Element, int]:
        return parse_xml(body, _ROOT, _NAMESPACE), len(body)

    def transform(self, document: tuple[Element, int], draft: Draft) -> None:
        root, size = document
        order = XmlElement(root, draft, _ORDER)
        put_external_id(draft, order.attribute("orderNumber", f"/co:{_ROOT}/@orderNumber"))
        draft.put("order_date", order.attribute("date", f"/co:{_ROOT}/@date"), _ORDER_DATE)
        _patient(order.child("Patient"), draft)
        _prescriber(order.child("Prescriber"), draft)
        _diagnoses(order.child("Diagnoses"), draft)
        order.child("Therapy").put("medication", "DrugName")
        draft.put_all("medication_history", order.child("MedicationHistory").texts("Entry"))
        _records(order, draft)
        draft.ignored = order.unknown()
        if draft.enclosed is None and size > TEXT_LIMIT:
            raise TooLarge(TEXT_LIMIT)  # the larger limit is for what brings a document


def _patient(patient: XmlElement, draft: Draft) -> None:
    patient.put("patient.first_name", "PatientFirstName")
    patient.put("patient.last_name", "PatientLastName")
    patient.put_attribute("patient.mrn", "medicalRecordNumber")
    patient.put("patient.date_of_birth", "BirthDate", _BIRTH_DATE)
    _, gender = patient.marked_text("AdministrativeGender", "code")
    draft.put("patient.sex", gender, _SEX)
    weight, unit = patient.marked_text("Weight", "unit")
    draft.put("patient.weight_kg", weight, lambda amount: kilograms(decimal(amount), unit))
    draft.put_all("patient.allergies", patient.child("Allergies").texts("Allergy"))


def _prescriber(prescriber: XmlElement, draft: Draft) -> None:
    name = prescriber.child("Name")
    given, family, suffix = (said or "" for _, said in map(name.text, ("Given", "Family", "Suffix")))
    whole = f"{given} {family}".strip() + (f", {suffix}" if suffix else "")
    # A family name makes it a name: without one, that is what is missing.
    draft.put("provider.name", (name.place, whole) if family else (f"{name.place}/co:Family", None))
    prescriber.put_attribute("provider.npi", "npi")


def _diagnoses(diagnoses: XmlElement, draft: Draft) -> None:
    place = f"{diagnoses.place}/co:Diagnosis"
    ranked: dict[int, Found] = {}
    for (_, code), (where, written) in diagnoses.marked_texts("Diagnosis", "rank"):
        rank = int(written) if _RANK.fullmatch(written or "") else 0
        if not rank:
            draft.fault(where, "VALUE" if written else "REQUIRED", "A diagnosis has a rank of 1, 2, 3 …")
        elif rank in ranked:
            draft.fault(where, "VALUE", "Another diagnosis has this rank.")
        else:
            ranked[rank] = f"{place}[@rank='{rank}']", code
    draft.put("primary_diagnosis", ranked.pop(1, (f"{place}[@rank='1']", None)))
    draft.put_all("additional_diagnoses", [ranked[rank] for rank in sorted(ranked)])


def _records(order: XmlElement, draft: Draft) -> None:
    where, notes = order.text("ClinicalNotes")
    (place, document), (_, declared) = order.marked_text("ClinicalDocument", "mimeType")
    if document is None:
        draft.put("patient_records", (where, notes))
        return
    draft.put("patient_records", (place, None))
    if notes:
        draft.fault(place, "VALUE", "Send co:ClinicalNotes or co:ClinicalDocument, not both.")
    else:
        draft.enclosed = _enclosed(document, declared, draft)


def _enclosed(written: str, declared: str | None, draft: Draft) -> EnclosedFile | None:
    try:
        content = base64.b64decode("".join(written.split()), validate=True)
    except (binascii.Error, ValueError):
        draft.records_unreadable("RECORDS_UNREADABLE", "The document is not base64.")
        return None
    if len(content) > LARGEST_FILE:
        raise TooLarge(LARGEST_FILE)
    return EnclosedFile(content, declared) if content else None
