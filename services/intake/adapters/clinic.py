"""`clinic`: a small clinic's system. JSON with its own names, US dates, one string for the provider."""

from typing import Any

from chassis.errors import Fault
from chassis.strict_json import parse_json
from services.intake.adapters.base import Draft, Field, Source, put_external_id
from services.intake.adapters.json_tree import JsonObject
from services.intake.adapters.values import date_as, digits, kilograms, listed, one_of, padded

_DATE = date_as("MM/DD/YYYY")
_SEX = one_of({"F": "female", "M": "male", "X": "other", "U": "unknown"})


class Clinic(Source):
    name = "clinic"
    content_type = "application/json"

    def parse(self, body: bytes) -> tuple[Any, list[Fault]]:
        return parse_json(body)

    def transform(self, document: tuple[Any, list[Fault]], draft: Draft) -> None:
        value, draft.faults = document
        order = JsonObject(value, draft)
        put_external_id(draft, order.at("ref_id"))
        draft.put("order_date", order.at("visit_date"), _DATE)
        _patient(order.object("pt"), draft)
        draft.put("provider.name", order.at("ref_by"))
        draft.put("provider.npi", order.at("ref_npi"), digits)
        _diagnoses(order, draft)
        draft.put("medication", order.object("rx").at("drug"))
        draft.put_all("medication_history", [_taken(entry) for entry in order.objects("med_hx")])
        draft.put("patient_records", order.at("notes"))
        draft.ignored = order.unknown()


def _patient(pt: JsonObject, draft: Draft) -> None:
    draft.put("patient.first_name", pt.at("fname"))
    draft.put("patient.last_name", pt.at("lname"))
    draft.put("patient.mrn", pt.at("chart_no"), padded(6))
    draft.put("patient.date_of_birth", pt.at("dob"), _DATE)
    draft.put("patient.sex", pt.at("gender"), _SEX)
    weight = pt.object("wt")
    unit = weight.at("u")
    draft.put("patient.weight_kg", weight.at("v"), lambda amount: kilograms(amount, unit))
    allergies = pt.at("allergy")
    draft.put_all("patient.allergies", [Field(allergies.place, entry) for entry in listed(allergies.value)])


def _diagnoses(order: JsonObject, draft: Draft) -> None:
    primary, *additional = order.entries("dx") or [Field("dx", None)]
    draft.put("primary_diagnosis", primary)
    draft.put_all("additional_diagnoses", additional)


def _taken(drug: JsonObject) -> Field:
    """`methotrexate 20 mg weekly`: the parts that are there, a space between."""
    said = list[str]()
    for place, value in (drug.at("n"), drug.at("dose"), drug.at("freq")):
        if isinstance(value, str):
            said.append(value)
        elif value is not None:
            drug.draft.fault(place, "TYPE", "This is a text.")
    return Field(drug.place, " ".join(said))
