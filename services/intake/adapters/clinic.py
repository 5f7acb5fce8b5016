"""`clinic`: a small clinic's system. JSON with its own names, US dates, one string for the provider."""

from typing import Any

from chassis.errors import Fault
from chassis.strict_json import parse_json
from services.intake.adapters.base import Draft, Source, put_external_id
from services.intake.adapters.json_layout import JsonLayout
from services.intake.adapters.layout import Part, Said
from services.intake.adapters.values import date_as, digits, kilograms, listed, one_of, padded

_DATE = date_as("MM/DD/YYYY")
_LAYOUT = JsonLayout(
    Part("ref_id"),
    Part("visit_date", "order_date", _DATE),
    Part("pt.fname", "patient.first_name"),
    Part("pt.lname", "patient.last_name"),
    Part("pt.chart_no", "patient.mrn", padded(6)),
    Part("pt.dob", "patient.date_of_birth", _DATE),
    Part("pt.gender", "patient.sex", one_of({"F": "female", "M": "male", "X": "other", "U": "unknown"})),
    Part("pt.wt.v"),
    Part("pt.wt.u"),
    Part("pt.allergy"),
    Part("ref_by", "provider.name"),
    Part("ref_npi", "provider.npi", digits),
    Part("dx[]"),
    Part("rx.drug", "medication"),
    Part("med_hx[].n"),
    Part("med_hx[].dose"),
    Part("med_hx[].freq"),
    Part("notes", "patient_records"),
)


class Clinic(Source):
    name = "clinic"
    content_type = "application/json"

    def parse(self, body: bytes) -> tuple[Any, list[Fault]]:
        return parse_json(body)

    def transform(self, document: tuple[Any, list[Fault]], draft: Draft) -> None:
        value, draft.faults = document
        order = _LAYOUT.read(value, draft)
        put_external_id(draft, order.at("ref_id"))
        unit = order.at("pt.wt.u")
        draft.put("patient.weight_kg", order.at("pt.wt.v"), lambda amount: kilograms(amount, unit))
        place, allergies = order.at("pt.allergy")
        draft.put_all("patient.allergies", [(place, allergy) for allergy in listed(allergies)])
        primary, *additional = order.every("dx") or [("dx", None)]
        draft.put("primary_diagnosis", primary)
        draft.put_all("additional_diagnoses", additional)
        draft.put_all("medication_history", [(place, _taken(drug, draft)) for place, drug in order.every("med_hx")])


def _taken(drug: Said, draft: Draft) -> str:
    """`methotrexate 20 mg weekly`: the parts that are there, a space between."""
    said = []
    for name in ("n", "dose", "freq"):
        value = drug.get(name)
        if isinstance(value, str):
            said.append(value)
        elif value is not None:
            draft.fault(drug.lead + name, "TYPE", "This is a text.")
    return " ".join(said)
