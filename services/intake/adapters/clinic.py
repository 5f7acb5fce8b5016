"""`clinic`: a small clinic's system. JSON with its own names, US dates, one string for the provider."""

from typing import Any

from chassis.errors import Fault
from chassis.strict_json import parse_json
from services.intake.adapters.base import Draft, Found, Source, put_external_id
from services.intake.adapters.json_tree import JsonObject
from services.intake.adapters.values import date_as, digits, kilograms, listed, one_of, padded

_DATE = date_as("MM/DD/YYYY")
_SEX = one_of({"F": "female", "M": "male", "X": "other", "U": "unknown"})
_CHART_NUMBER = padded(6)


class Clinic(Source):
    name = "clinic"
    content_type = "application/json"

    def parse(self, body: bytes) -> tuple[Any, list[Fault]]:
        return parse_json(body)

    def transform(self, document: tuple[Any, list[Fault]], draft: Draft) -> None:
        value, draft.faults = document
        order = JsonObject(value, draft)
        put_external_id(draft, order.at("ref_id"))
        order.put("order_date", "visit_date", _DATE)
        _patient(order.object("pt"), draft)
        order.put("provider.name", "ref_by")
        order.put("provider.npi", "ref_npi", digits)
        _diagnoses(order, draft)
        order.object("rx").put("medication", "drug")
        draft.put_all("medication_history", [_taken(drug) for drug in order.objects("med_hx")])
        order.put("patient_records", "notes")
        draft.ignored = order.unknown()


def _patient(pt: JsonObject, draft: Draft) -> None:
    pt.put("patient.first_name", "fname")
    pt.put("patient.last_name", "lname")
    pt.put("patient.mrn", "chart_no", _CHART_NUMBER)
    pt.put("patient.date_of_birth", "dob", _DATE)
    pt.put("patient.sex", "gender", _SEX)
    weight = pt.object("wt")
    unit = weight.at("u")
    weight.put("patient.weight_kg", "v", lambda amount: kilograms(amount, unit))
    place, allergies = pt.at("allergy")
    draft.put_all("patient.allergies", [(place, allergy) for allergy in listed(allergies)])


def _diagnoses(order: JsonObject, draft: Draft) -> None:
    primary, *additional = order.entries("dx") or [("dx", None)]
    draft.put("primary_diagnosis", primary)
    draft.put_all("additional_diagnoses", additional)


def _taken(drug: JsonObject) -> Found:
    """`methotrexate 20 mg weekly`: the parts that are there, a space between."""
    return drug.place, " ".join(drug.texts("n", "dose", "freq"))
