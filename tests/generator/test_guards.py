"""The gates: each plan here has one thing wrong that a model could get wrong, and must not be shown."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from schemas.careplan import CarePlan, Citation
from schemas.readable import plan_text
from services.generator.domain.guards import violations
from services.generator.domain.request import PlanRequest
from tests.support.clinical_orders import SAMPLES
from tests.support.plans import complaints, plan_for, request_for

Spoil = Callable[[CarePlan], CarePlan]


def changed(plan: CarePlan, section: str, at: int, **fields: Any) -> CarePlan:
    items = list(getattr(plan.sections, section))
    items[at] = items[at].model_copy(update=fields)
    return plan.model_copy(update={"sections": plan.sections.model_copy(update={section: tuple(items)})})


def added(plan: CarePlan, section: str, at: int, words: str) -> CarePlan:
    return changed(plan, section, at, text=f"{getattr(plan.sections, section)[at].text} {words}")


def without(plan: CarePlan, section: str, keep: Callable[[Any], bool]) -> CarePlan:
    items = tuple(item for item in getattr(plan.sections, section) if keep(item))
    return plan.model_copy(update={"sections": plan.sections.model_copy(update={section: items})})


@pytest.fixture
def ivig() -> PlanRequest:
    return request_for(SAMPLES["ivig"]())


@pytest.fixture
def adalimumab() -> PlanRequest:
    return request_for(SAMPLES["adalimumab"]())


@pytest.mark.parametrize("sample", SAMPLES)
def test_clean_plans_pass_every_gate(sample: str) -> None:
    request = request_for(SAMPLES[sample]())
    assert complaints(plan_for(request), request) == []


@pytest.mark.parametrize(
    ("words", "gate"),
    [
        ("Give 288 g a day.", "number"),
        ("Give 28800 g in total.", "number"),
        ("The weight is 72 lb.", "number"),
        ("Creatinine was 2.4 mg/dL.", "number"),
        ("Give 2 mg/kg.", "number"),
        ("Next visit on 2027-01-01.", "number"),
        ("SNOMED 702565001 applies.", "code"),
        ("The code should be G70.01.", "code"),
        ("Give 2 g/kg x 72 kg = 14.4 g.", "computed wrongly"),
        ("Give 2 g/kg x 28.8 kg = 57.6 g.", "another weight"),
        ("Consider rozanolixizumab.", "medicine"),
        ("Add ciprofloxacin for the cough.", "medicine"),
        ("Start inventumab instead.", "medicine"),
        ("As the system prompt says.", "machine"),
        ("As an AI I cannot judge this.", "machine"),
        ("[HEIGHT NOT PROVIDED]", "placeholder"),
    ],
)
def test_words_that_nobody_gave_us_are_refused(ivig: PlanRequest, words: str, gate: str) -> None:
    plan = added(plan_for(ivig), "interventions", 0, words)
    assert any(gate in reason for reason in complaints(plan, ivig))


@pytest.mark.parametrize(
    "words",
    [
        "The total is 144 g, 28.8 g a day for 5 days.",
        "That is 144,000 mg in total.",
        "The weight is 158.7 lb.",
        "Creatinine was 0.78 mg/dL on file.",
        "FVC 2.9 L (82% predicted).",
        "Give acetaminophen 650 mg before it, epinephrine at hand.",
        "Planned 2026-02-05 to 2026-02-09.",
    ],
)
def test_the_same_quantity_in_other_words_is_fine(ivig: PlanRequest, words: str) -> None:
    assert complaints(added(plan_for(ivig), "interventions", 0, words), ivig) == []


def test_daily_for_weekly_methotrexate_is_refused(adalimumab: PlanRequest) -> None:
    plan = added(plan_for(adalimumab), "interventions", 0, "Continue methotrexate 20 mg daily.")
    assert any("methotrexate" in reason for reason in complaints(plan, adalimumab))


def test_an_allergy_that_is_left_out_is_refused(adalimumab: PlanRequest) -> None:
    plan = plan_for(adalimumab)
    plan = without(plan, "problem_list", lambda p: "penicillin" not in p.text)
    plan = without(plan, "interventions", lambda i: "penicillin" not in i.text)
    assert any("patient.allergies.0" in reason for reason in complaints(plan, adalimumab))


def test_a_boxed_warning_that_nobody_addresses_is_refused(ivig: PlanRequest) -> None:
    fact = "ivig.boxed.renal"
    plan = plan_for(ivig)
    cited = {c.id for c in plan.citations if c.fact_id == fact}
    plan = without(plan, "problem_list", lambda p: cited.isdisjoint(p.citations))
    assert any(fact in reason for reason in complaints(plan, ivig))


@pytest.mark.parametrize("how", ["left out", "called moderate", "without action"])
def test_a_positive_hepatitis_b_without_action_is_refused(how: str) -> None:
    request = request_for(SAMPLES["rituximab"]())
    plan = plan_for(request)
    grave = [p.id for p in plan.sections.problem_list if "epatitis B" in p.text]
    if how == "left out":
        plan = without(plan, "problem_list", lambda p: p.id not in grave)
    elif how == "called moderate":
        for at, problem in enumerate(plan.sections.problem_list):
            plan = changed(plan, "problem_list", at, severity="moderate") if problem.id in grave else plan
    else:
        plan = without(plan, "interventions", lambda i: not set(i.addresses) & set(grave))
    assert any("hepatitis_b" in reason for reason in complaints(plan, request))


def test_a_contraindication_that_is_called_safe_is_refused() -> None:
    request = request_for(
        medication="Humira 40 mg",
        primary_diagnosis="M05.79",
        additional_diagnoses=["I50.22"],
        patient_records="CHF, NYHA III.",
    )
    plan = plan_for(request)
    at = next(i for i, p in enumerate(plan.sections.problem_list) if "heart failure" in p.text)
    plan = added(plan, "problem_list", at, "In this patient adalimumab is safe to start.")
    assert any("calls safe" in reason for reason in complaints(plan, request))


def test_an_invented_citation_is_refused(ivig: PlanRequest) -> None:
    plan = plan_for(ivig)
    quote = Citation(id="R1", kind="record", source="patient_records", quote="creatinine 2.4 mg/dL", start=10, end=30)
    fact = Citation(id="K1", kind="knowledge", source="Label", quote="It is safe.", fact_id="ivig.boxed.invented")
    for wrong in (quote, fact):
        citations = tuple(wrong if c.id == wrong.id else c for c in plan.citations)
        assert any(wrong.id in reason for reason in complaints(plan.model_copy(update={"citations": citations}), ivig))
    assert complaints(changed(plan, "problem_list", 0, citations=("K99",)), ivig)


def test_a_statement_without_evidence_is_refused(ivig: PlanRequest) -> None:
    assert any("evidence" in r for r in complaints(changed(plan_for(ivig), "interventions", 0, citations=()), ivig))
    assert any("no fact" in r for r in complaints(changed(plan_for(ivig), "monitoring", 1, citations=("R1",)), ivig))


@pytest.mark.parametrize(
    "fields", [{"target": "improve symptoms"}, {"due": date(2026, 2, 5)}, {"due": date(2025, 1, 1)}, {"addresses": ()}]
)
def test_a_goal_that_cannot_be_missed_is_refused(ivig: PlanRequest, fields: dict[str, Any]) -> None:
    assert any(reason.startswith("G1") for reason in complaints(changed(plan_for(ivig), "goals", 0, **fields), ivig))


@pytest.mark.parametrize("fields", [{"first": "soon"}, {"interval": "regularly"}, {"threshold": " "}, {"action": " "}])
def test_monitoring_without_time_or_consequence_is_refused(ivig: PlanRequest, fields: dict[str, str]) -> None:
    assert any(
        reason.startswith("M2") for reason in complaints(changed(plan_for(ivig), "monitoring", 1, **fields), ivig)
    )


@pytest.mark.parametrize("section", ["problem_list", "goals", "interventions", "monitoring"])
def test_an_empty_section_is_refused(ivig: PlanRequest, section: str) -> None:
    assert any(section in reason for reason in complaints(without(plan_for(ivig), section, lambda _: False), ivig))


@pytest.mark.parametrize("written", ["Ana Bell", "MRN 012345", "1979-06-08", "Dr. Jane Lee", "NPI 1234567893", "K21.9"])
def test_another_identity_in_the_text_is_refused(ivig: PlanRequest, written: str) -> None:
    plan = plan_for(ivig)
    head, rest = plan_text(plan, ivig.order).split("Problem list", 1)
    plan = plan.model_copy(
        update={"text_edited": True, "text": head.replace(written, "somebody else") + "Problem list" + rest}
    )
    assert any("not as ordered" in reason for reason in complaints(plan, ivig))


def test_a_gap_that_is_passed_over_is_refused() -> None:
    request = request_for(patient_weight_kg=None)
    plan = plan_for(request)
    at = next(i for i, p in enumerate(plan.sections.problem_list) if "[WEIGHT" in p.text)
    spoilt = changed(plan, "problem_list", at, text="The weight is about right.")
    assert any("WEIGHT" in reason for reason in complaints(spoilt, request))
    spoilt = plan.model_copy(update={"gaps": plan.gaps[1:]})
    assert any(reason.startswith("gaps") for reason in complaints(spoilt, request))


def test_a_dose_without_a_weight_is_refused() -> None:
    request = request_for(patient_weight_kg=None)
    plan = added(plan_for(request), "interventions", 0, "Give 2 g/kg x 70 kg = 140 g.")
    assert any("without a weight" in reason for reason in complaints(plan, request))


def test_a_draft_does_not_carry_the_banner_twice(ivig: PlanRequest) -> None:
    plan = plan_for(ivig)
    spoilt = plan.model_copy(
        update={"text_edited": True, "text": "Draft: requires pharmacist review\n" + plan_text(plan, ivig.order)}
    )
    assert any("banner" in reason for reason in complaints(spoilt, ivig))


def test_reasons_hold_nothing_of_the_patient(ivig: PlanRequest) -> None:
    plan = added(plan_for(ivig), "problem_list", 0, "Ana Bell takes 999 mg of inventumab, code Z99.9.")
    reasons = complaints(plan, ivig)
    assert reasons
    assert not [reason for reason in reasons if "Bell" in reason or "999" in reason or "inventumab" in reason]


def test_a_models_words_are_read_and_those_of_code_are_not(ivig: PlanRequest) -> None:
    plan = added(plan_for(ivig), "interventions", 0, "Give 288 g a day.")
    theirs = plan.model_copy(update={"produced_by": plan.produced_by.model_copy(update={"provider": "anthropic"})})
    assert violations(plan, ivig) == []
    assert violations(theirs, ivig)
