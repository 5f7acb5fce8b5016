"""The FHIR download: a Pharmacist eCare Plan document, valid, complete, and with nothing in it that nobody said."""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import WrongState
from schemas.order import Order
from services.reporting.adapters.fhir import FhirWriter
from services.reporting.adapters.fhir.document import bundle_of
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import PlanDocument
from services.validation.domain.provider import has_right_check_digit
from tests.support.clinical_orders import SAMPLES, order
from tests.support.plan_documents import CAREPLAN_ID, NOBODY, RIVERSIDE, plan_document, sample_document

Json = dict[str, Any]
TEXTS = st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip()))


def written(document: PlanDocument, pharmacy: Pharmacy = NOBODY) -> Json:
    """The Bundle, once as the model classes have taken it."""
    bundle = bundle_of(document, pharmacy)
    Bundle.model_validate_json(json.dumps(bundle))
    return bundle


def resources(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def the(bundle: Json, kind: str) -> Json:
    [only] = resources(bundle, kind)
    return only


def sections(bundle: Json) -> dict[str, Json]:
    return {section["code"]["coding"][0]["code"]: section for section in the(bundle, "Composition")["section"]}


def everything(value: Any) -> Iterator[Json]:
    """Every object in it, however deep."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from everything(item)


def problems(bundle: Json) -> list[Json]:
    """The drug therapy problems, as a reader finds them: they alone carry our items' ids."""
    return [condition for condition in resources(bundle, "Condition") if "identifier" in condition]


# ── 1. it validates, and holds the rules that the model classes do not know ──────────────────────────────────────────


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("pharmacy", [NOBODY, RIVERSIDE], ids=["nobody", "riverside"])
@pytest.mark.parametrize("approved", [(), (1,)], ids=["draft", "approved"])
def test_every_sample_is_a_valid_document(name: str, pharmacy: Pharmacy, approved: tuple[int, ...]) -> None:
    bundle = written(sample_document(name, approved=approved), pharmacy)
    assert bundle["type"] == "document"
    assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    assert all(entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}" for entry in bundle["entry"])
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == len(bundle["entry"])


@pytest.mark.parametrize("name", SAMPLES)
def test_every_reference_resolves_and_every_resource_is_reached_from_the_composition(name: str) -> None:
    bundle = written(sample_document(name, version=2, approved=(1, 2)), RIVERSIDE)
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    reached: set[str] = set()
    todo = [bundle["entry"][0]["fullUrl"]]
    while todo:
        url = todo.pop()
        if url not in reached:
            reached.add(url)
            todo += [found["reference"] for found in everything(by_url[url]) if "reference" in found and "div" not in found and isinstance(found["reference"], str)]  # fmt: skip
    unreached = {by_url[url]["resourceType"] for url in by_url.keys() - reached}
    assert unreached <= {"Provenance", "Device"}  # a Provenance points at what it is about, not the other way round


def test_a_document_has_the_sections_that_the_guide_demands_each_with_its_text() -> None:
    found = sections(written(sample_document("ivig")))
    assert list(found) == ["75310-3", "61146-7", "62387-6"]
    assert all(section["title"] and section["text"]["div"] and section["entry"] for section in found.values())


def test_the_care_plan_has_the_five_elements_of_us_core() -> None:
    plan = the(written(sample_document("ivig")), "CarePlan")
    assert plan["text"]["status"] == "generated"
    assert (plan["status"], plan["intent"]) == ("draft", "proposal")
    assert plan["category"][0]["coding"][0]["code"] == "assess-plan"
    assert plan["subject"]


def test_codes_name_their_systems_and_units_are_ucum() -> None:
    bundle = written(sample_document("ivig"))
    diagnoses = [c["code"]["coding"][0] for c in resources(bundle, "Condition") if "identifier" not in c]
    assert {code["system"] for code in diagnoses} == {"http://hl7.org/fhir/sid/icd-10-cm"}
    assert [code["code"] for code in diagnoses] == ["G70.00", "I10", "K21.9"]
    [prescriber] = [p for p in resources(bundle, "Practitioner") if p["identifier"][0].get("system")]
    assert prescriber["identifier"][0]["system"] == "http://hl7.org/fhir/sid/us-npi"
    assert has_right_check_digit(prescriber["identifier"][0]["value"])
    weight = the(bundle, "Observation")["valueQuantity"]
    assert (weight["value"], weight["system"], weight["code"]) == (72, "http://unitsofmeasure.org", "kg")


KNOWN_CODES = {
    "http://loinc.org": {"52521-2", "75310-3", "61146-7", "62387-6", "29463-7"},
    "http://snomed.info/sct": {"716186003"},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_no_clinical_code_is_invented(name: str) -> None:
    bundle = written(sample_document(name, approved=(1,)), RIVERSIDE)
    coded = [found for found in everything(bundle) if "system" in found and "code" in found]
    for system, codes in KNOWN_CODES.items():
        assert {found["code"] for found in coded if found["system"] == system} <= codes
    others = {found["system"] for found in coded} - KNOWN_CODES.keys()
    assert all(
        re.match(r"http://(terminology\.)?hl7\.org/|http://unitsofmeasure|urn:careplan:", name) for name in others
    )


def test_no_known_allergies_is_coded_only_where_the_order_says_just_that() -> None:
    stated = the(written(plan_document(order(patient_allergies=["No known allergies"]))), "AllergyIntolerance")
    assert stated["code"]["coding"][0]["code"] == "716186003"
    other = the(written(plan_document(order(patient_allergies=["None known to medications"]))), "AllergyIntolerance")
    assert other["code"] == {"text": "None known to medications"}


# ── 2. nothing is invented ───────────────────────────────────────────────────────────────────────────────────────────

orders = st.builds(
    order,
    patient_sex=st.none() | st.sampled_from(["female", "male", "other", "unknown"]),
    patient_weight_kg=st.none() | st.floats(min_value=0.5, max_value=400),
    patient_allergies=st.lists(TEXTS, max_size=3),
    patient_first_name=TEXTS,
    patient_date_of_birth=st.dates(min_value=date(1900, 1, 1), max_value=date(2026, 2, 5)),
    additional_diagnoses=st.lists(st.sampled_from(["I10", "K21.9", "E11.9"]), max_size=3),
    medication_history=st.lists(TEXTS, max_size=3),
    medication=TEXTS,
)


@settings(max_examples=60, deadline=None)
@given(an_order=orders)
def test_what_the_order_does_not_say_is_absent(an_order: Order) -> None:
    bundle = written(plan_document(an_order))
    patient, said = the(bundle, "Patient"), an_order.patient
    assert patient.get("gender") == said.sex
    assert patient.keys() <= {"resourceType", "id", "identifier", "name", "gender", "birthDate"}
    weights = [w["valueQuantity"]["value"] for w in resources(bundle, "Observation")]
    assert weights == ([] if said.weight_kg is None else [said.weight_kg])
    assert len(resources(bundle, "AllergyIntolerance")) == len(said.allergies)
    assert len(resources(bundle, "MedicationStatement")) == len(an_order.medication_history)
    diagnoses = [c["code"]["coding"][0]["code"] for c in resources(bundle, "Condition") if "identifier" not in c]
    assert diagnoses == [an_order.primary_diagnosis, *an_order.additional_diagnoses]
    prescribed = the(bundle, "MedicationRequest")
    assert not {"dosageInstruction", "dispenseRequest", "encounter", "insurance"} & prescribed.keys()
    expected = {
        "Composition", "Patient", "Practitioner", "Condition", "MedicationRequest", "CarePlan", "Goal", "ServiceRequest",
        "Device", "Provenance", "AllergyIntolerance", "Observation", "MedicationStatement",
    }  # fmt: skip
    assert {entry["resource"]["resourceType"] for entry in bundle["entry"]} <= expected


def test_nothing_is_said_of_a_pharmacy_or_a_pharmacist_that_is_not_known() -> None:
    bundle = written(sample_document("ivig"))
    composition = the(bundle, "Composition")
    assert not resources(bundle, "Organization")
    assert "custodian" not in composition
    assert "attester" not in composition
    assert composition["author"] == [{"display": "No pharmacist yet: draft"}]
    assert len(resources(bundle, "Practitioner")) == 1
    assert "requester" not in resources(bundle, "ServiceRequest")[0]
    assert "system" not in the(bundle, "Patient")["identifier"][0]


def test_a_configured_pharmacy_is_custodian_and_names_the_system_of_its_mrns() -> None:
    bundle = written(sample_document("ivig"), RIVERSIDE)
    assert the(bundle, "Organization")["name"] == "Riverside Specialty Pharmacy"
    assert the(bundle, "Patient")["identifier"][0]["system"] == "https://riverside.example/mrn"
    assert the(bundle, "Composition")["custodian"] == the(bundle, "Composition")["author"][0]


@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_hostile_text_neither_breaks_the_document_nor_its_narrative(text: str) -> None:
    document = plan_document(order(medication=text, patient_allergies=[text], patient_last_name=text))
    for found in everything(written(document)):
        if "div" in found:
            assert "<script" not in found["div"]
            assert set(re.findall(r"<[^>]*>", found["div"])) <= {
                '<div xmlns="http://www.w3.org/1999/xhtml">', "</div>", "<ul>", "</ul>", "<li>", "</li>", "<p>", "</p>",
            }  # fmt: skip


# ── 3. round trip ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SAMPLES)
def test_a_reader_finds_as_many_problems_goals_and_requests_as_the_plan_has(name: str) -> None:
    document = sample_document(name)
    bundle, plan = json.loads(json.dumps(written(document))), document.plan.sections

    def ids(found: list[Json]) -> list[str]:
        assert all(item["identifier"][0]["system"] == f"urn:uuid:{CAREPLAN_ID}" for item in found)
        return [item["identifier"][0]["value"] for item in found]

    requests = resources(bundle, "ServiceRequest")
    by_category = {
        name: ids([r for r in requests if r["category"] == [{"text": name}]]) for name in ("intervention", "monitoring")
    }
    assert ids(problems(bundle)) == [p.id for p in plan.problem_list]
    assert ids(resources(bundle, "Goal")) == [g.id for g in plan.goals]
    assert by_category["intervention"] == [i.id for i in plan.interventions]
    assert by_category["monitoring"] == [m.id for m in plan.monitoring]
    care_plan = the(bundle, "CarePlan")
    assert (len(care_plan["goal"]), len(care_plan["activity"])) == (len(plan.goals), len(requests))
    assert [note["text"] for note in care_plan["note"]] == list(document.plan.gaps)


def test_a_goal_keeps_measure_target_due_date_and_what_it_addresses() -> None:
    document = sample_document("ivig")
    bundle = written(document)
    goal, said = resources(bundle, "Goal")[0], document.plan.sections.goals[0]
    assert goal["target"] == [
        {"measure": {"text": said.measure}, "detailString": said.target, "dueDate": said.due.isoformat()}
    ]
    url_of = {p["identifier"][0]["value"]: f"urn:uuid:{p['id']}" for p in problems(bundle)}
    assert [found["reference"] for found in goal["addresses"]] == [url_of[name] for name in said.addresses]


# ── 4. draft, signed, edited ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_is_preliminary_and_a_signed_plan_final_with_the_pharmacist_as_attester() -> None:
    assert the(written(sample_document("ivig")), "Composition")["status"] == "preliminary"
    bundle = written(sample_document("ivig", approved=(1,)))
    composition, [attester] = the(bundle, "Composition"), the(bundle, "Composition")["attester"]
    assert composition["status"] == "final"
    assert attester["time"] == composition["date"] == "2026-02-05T16:30:00+00:00"
    assert attester["party"] == composition["author"][0]
    [pharmacist] = [p for p in resources(bundle, "Practitioner") if p["name"][0]["text"] == "a.smith"]
    assert attester["party"]["reference"] == f"urn:uuid:{pharmacist['id']}"
    assert (the(bundle, "CarePlan")["status"], the(bundle, "CarePlan")["intent"]) == ("active", "plan")


def test_a_version_signed_after_another_is_amended_and_replaces_it() -> None:
    first = the(written(sample_document("ivig", approved=(1,))), "Composition")
    second = the(written(sample_document("ivig", version=3, approved=(1, 3))), "Composition")
    assert second["status"] == "amended"
    assert second["relatesTo"] == [{"code": "replaces", "targetIdentifier": first["identifier"]}]
    draft = the(written(sample_document("ivig", version=2, approved=(1,))), "Composition")
    assert draft["status"] == "preliminary"
    assert "relatesTo" not in draft


def test_the_provenance_names_the_model_as_author_and_the_pharmacist_as_verifier() -> None:
    bundle = written(sample_document("ivig", version=2, approved=(2,)))
    provenance, device = the(bundle, "Provenance"), the(bundle, "Device")
    who = {json.dumps(agent["type"]): agent["who"] for agent in provenance["agent"]}
    [author] = [found for kind, found in who.items() if '"author"' in kind]
    [verifier] = [found for kind, found in who.items() if '"verifier"' in kind]
    assert author["reference"] == f"urn:uuid:{device['id']}"
    assert verifier == the(bundle, "Composition")["author"][0]
    assert device["deviceName"][0]["name"] == "scripted-1"
    assert {"display": "r.jones"} in who.values()
    assert any(entity["what"]["identifier"]["value"] == "ivig.boxed.renal" for entity in provenance["entity"])


async def test_a_version_whose_text_was_edited_is_not_exported() -> None:
    document = sample_document("ivig", version=2)
    edited = document.plan.model_copy(update={"text": "My own words.", "text_edited": True})
    with pytest.raises(WrongState, match="version 2"):
        await FhirWriter(NOBODY)(plan_document(document.order, edited, version=2))


# ── 5. stable ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_version_in_the_same_state_gives_the_same_file() -> None:
    first, again = [await FhirWriter(RIVERSIDE)(sample_document("ivig")) for _ in range(2)]
    assert first == again
    assert (first.media_type, first.suffix) == ("application/fhir+json", "fhir.json")


def test_another_version_has_other_ids_and_an_approval_keeps_them_but_for_the_documents() -> None:
    def ids(document: PlanDocument) -> list[str]:
        return [
            resource["id"]
            for kind in ("Composition", "Patient", "Goal")
            for resource in resources(written(document), kind)
        ]

    draft, signed = sample_document("ivig"), sample_document("ivig", approved=(1,))
    assert ids(draft) == ids(signed)
    assert not set(ids(draft)) & set(ids(sample_document("ivig", version=2)))
    assert written(draft)["identifier"] != written(signed)["identifier"]
