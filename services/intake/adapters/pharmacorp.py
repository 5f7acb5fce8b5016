"""`pharmacorp`: a drug maker's hub. Namespaced XML, US dates, records as text or as a PDF in base64."""

import base64
import binascii
import re
from xml.etree.ElementTree import Element

from chassis.errors import TooLarge
from services.intake.adapters.base import TEXT_LIMIT, Draft, Found, Source, put_external_id
from services.intake.adapters.layout import Part, Said
from services.intake.adapters.values import date_as, decimal, kilograms, one_of
from services.intake.adapters.xml_layout import XmlLayout
from services.intake.domain.draft import EnclosedFile
from services.intake.domain.records import LARGEST_FILE

_RANK = re.compile(r"[1-9][0-9]{0,3}")
_LAYOUT = XmlLayout(
    "CareOrder",
    "urn:pharmacorp:careorder:2",
    "co",
    Part("/co:CareOrder/@orderNumber"),
    Part("/co:CareOrder/@date", "order_date", date_as("MM-DD-YYYY")),
    Part("co:Patient/co:PatientFirstName", "patient.first_name"),
    Part("co:Patient/co:PatientLastName", "patient.last_name"),
    Part("co:Patient/@medicalRecordNumber", "patient.mrn"),
    Part("co:Patient/co:BirthDate", "patient.date_of_birth", date_as("YYYYMMDD")),
    Part(
        "co:Patient/co:AdministrativeGender/@code",
        "patient.sex",
        one_of({"F": "female", "M": "male", "UN": "unknown"}),
    ),
    Part("co:Patient/co:Weight"),
    Part("co:Patient/co:Weight/@unit"),
    Part("co:Patient/co:Allergies/co:Allergy[]", "patient.allergies"),
    Part("co:Prescriber/co:Name/co:Given"),
    Part("co:Prescriber/co:Name/co:Family"),
    Part("co:Prescriber/co:Name/co:Suffix"),
    Part("co:Prescriber/@npi", "provider.npi"),
    Part("co:Diagnoses/co:Diagnosis[]/@rank"),
    Part("co:Therapy/co:DrugName", "medication"),
    Part("co:MedicationHistory/co:Entry[]", "medication_history"),
    Part("co:ClinicalNotes"),
    Part("co:ClinicalDocument"),
    Part("co:ClinicalDocument/@mimeType"),
)


class PharmaCorp(Source):
    name = "pharmacorp"
    content_type = "application/xml"
    largest_body = 15 * 1024 * 1024

    def parse(self, body: bytes) -> tuple[Element, int]:
        return _LAYOUT.parse(body), len(body)

    def transform(self, document: tuple[Element, int], draft: Draft) -> None:
        root, size = document
        order = _LAYOUT.read(root, draft)
        put_external_id(draft, order.at("/co:CareOrder/@orderNumber"))
        unit = order.at("co:Patient/co:Weight/@unit")
        draft.put("patient.weight_kg", order.at("co:Patient/co:Weight"), lambda said: kilograms(decimal(said), unit))
        draft.put("provider.name", _name(order))
        _diagnoses(order, draft)
        _records(order, draft)
        if draft.enclosed is None and size > TEXT_LIMIT:
            raise TooLarge(TEXT_LIMIT)  # the larger limit is for what brings a document


def _name(order: Said) -> Found:
    place = "co:Prescriber/co:Name"
    given, family, suffix = (order.get(f"{place}/co:{part}", "") for part in ("Given", "Family", "Suffix"))
    whole = f"{given} {family}".strip() + (f", {suffix}" if suffix else "")
    # A family name makes it a name: without one, that is what is missing.
    return (place, whole) if family else (f"{place}/co:Family", None)


def _diagnoses(order: Said, draft: Draft) -> None:
    place = "co:Diagnoses/co:Diagnosis"
    ranked: dict[int, Found] = {}
    for _, diagnosis in order.every(place):
        where, written = diagnosis.at("@rank")
        rank = int(written) if _RANK.fullmatch(written or "") else 0
        if not rank:
            draft.fault(where, "VALUE" if written else "REQUIRED", "A diagnosis has a rank of 1, 2, 3 …")
        elif rank in ranked:
            draft.fault(where, "VALUE", "Another diagnosis has this rank.")
        else:
            ranked[rank] = f"{place}[@rank='{rank}']", diagnosis.text
    draft.put("primary_diagnosis", ranked.pop(1, (f"{place}[@rank='1']", None)))
    draft.put_all("additional_diagnoses", [ranked[rank] for rank in sorted(ranked)])


def _records(order: Said, draft: Draft) -> None:
    notes, (place, document) = order.at("co:ClinicalNotes"), order.at("co:ClinicalDocument")
    if document is None:
        draft.put("patient_records", notes)
        return
    draft.put("patient_records", (place, None))
    if notes[1]:
        draft.fault(place, "VALUE", "Send co:ClinicalNotes or co:ClinicalDocument, not both.")
    else:
        draft.enclosed = _enclosed(document, order.get("co:ClinicalDocument/@mimeType"), draft)


def _enclosed(written: str, declared: str | None, draft: Draft) -> EnclosedFile | None:
    try:
        content = base64.b64decode("".join(written.split()), validate=True)
    except (binascii.Error, ValueError):
        draft.records_unreadable("RECORDS_UNREADABLE", "The document is not base64.")
        return None
    if len(content) > LARGEST_FILE:
        raise TooLarge(LARGEST_FILE)
    return EnclosedFile(content, declared) if content else None
