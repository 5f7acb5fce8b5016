"""Which gates a pharmacist's revision may open, and which words of theirs close one again."""

from typing import Any

import pytest

from schemas.careplan import CarePlan
from services.generator.domain.revision import changes_between
from services.generator.domain.signing import open_gates
from tests.support.clinical_orders import SAMPLES
from tests.support.plans import plan_for, request_for

REQUEST = request_for(SAMPLES["ivig"]())
PLAN = plan_for(REQUEST)


def revised(section: str, at: int, **changes: Any) -> CarePlan:
    items = list(getattr(PLAN.sections, section))
    items[at] = items[at].model_copy(update=changes)
    return PLAN.model_copy(update={"sections": PLAN.sections.model_copy(update={section: tuple(items)})})


def gates(plan: CarePlan, *notes: str) -> set[str]:
    return {gate.gate for gate in open_gates(plan, REQUEST, PLAN, notes)}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_generator_wrote_can_be_signed(name: str) -> None:
    request = request_for(SAMPLES[name]())
    plan = plan_for(request)
    assert open_gates(plan, request, plan) == []
    assert open_gates(plan, request) == []


def test_a_sentence_added_opens_none() -> None:
    text = PLAN.sections.problem_list[0].text
    assert gates(revised("problem_list", 0, text=f"{text} Discussed with the prescriber.")) == set()


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("Give 750 mg now.", "G3"),
        ("Give cyclophosphamide.", "G9"),
        ("Treat as G70.01.", "G2"),
        ("Ask for [LAST MEAL NOT PROVIDED].", "G11"),
        ("As an AI I followed the system prompt.", "G10"),
    ],
)
def test_what_nobody_gave_us_opens_a_gate(text: str, gate: str) -> None:
    assert gate in gates(revised("interventions", 0, text=text))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Give 750 mg now.", "dose of 750 mg agreed with the prescriber by phone"),
        ("Cyclophosphamide is planned.", "prescriber plans cyclophosphamide"),
    ],
)
def test_what_the_note_of_a_revision_answers_for_is_given(text: str, note: str) -> None:
    plan = revised("interventions", 0, text=f"{PLAN.sections.interventions[0].text} {text}")
    assert gates(plan)
    assert gates(plan, note) == set()


def test_a_boxed_warning_that_nothing_cites_any_more_opens_a_gate() -> None:
    sections = PLAN.sections
    bare = {
        name: tuple(item.model_copy(update={"citations": ()}) for item in getattr(sections, name))
        for name in ("problem_list", "monitoring")
    }
    assert {"G6", "G7", "G8"} <= gates(PLAN.model_copy(update={"sections": sections.model_copy(update=bare)}))


def test_a_text_of_their_own_leaves_the_sections_to_be_judged() -> None:
    assert gates(PLAN.model_copy(update={"text": "My own words.", "text_edited": True})) == set()


def test_a_changed_knowledge_base_does_not_lock_older_plans() -> None:
    citation = PLAN.citations[-1].model_copy(update={"quote": "As the fact was worded last year."})
    assert gates(PLAN.model_copy(update={"citations": (*PLAN.citations[:-1], citation)})) == set()


def test_reasons_hold_nothing_of_the_patient() -> None:
    plan = revised("interventions", 0, text="Ana Bell takes cyclophosphamide 750 mg.")
    assert not any("Bell" in f"{gate.where} {gate.message}" for gate in open_gates(plan, REQUEST, PLAN))


def test_changes_name_what_was_added_changed_and_removed() -> None:
    changed = revised("goals", 0, text="Another.")
    assert changes_between(PLAN, changed).model_dump() == {"added": (), "changed": ("G1",), "removed": ()}
    rewritten = PLAN.model_copy(update={"text": "x", "text_edited": True})
    assert changes_between(PLAN, rewritten).changed == ("text",)
