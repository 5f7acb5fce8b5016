"""What a model returns, and how it becomes a plan: everything wrong is said at once, and without repeating it."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.order import Finding
from schemas.readable import plan_text, readable
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.answer import Answer, BadAnswer, answer_schema, parse_answer
from services.generator.domain.assemble import assemble
from services.generator.domain.request import plan_request
from tests.support.clinical_orders import SAMPLES
from tests.support.plans import PRODUCED_BY, facts, plan_for, request_for

REQUEST = request_for(SAMPLES["ivig"]())


def said(**changes: Any) -> dict[str, Any]:
    """A whole and right answer as JSON, with some of it changed."""
    body: dict[str, Any] = TypeAdapter(Answer).dump_python(scripted_answer(REQUEST), mode="json")
    return body | changes


def test_an_answer_survives_its_text() -> None:
    answer = parse_answer(json.dumps(said()))
    assert assemble(answer, REQUEST, PRODUCED_BY) == plan_for(REQUEST)


def test_the_schema_is_closed_and_asks_for_everything() -> None:
    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for part in node for found in objects(part)]
        if not isinstance(node, dict):
            return []
        mine = [node] if node.get("type") == "object" else []
        return mine + [found for part in node.values() for found in objects(part)]

    found = objects(answer_schema())
    assert len(found) == 8
    for schema in found:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert "oneOf" not in json.dumps(answer_schema())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the answer"),
        ("Here is the plan:", "the answer"),
        ('{"problem_list": []', "the answer"),
        (json.dumps(said(goals=[{"text": "x"}])), "goals.0.measure: missing"),
        (json.dumps(said(secret_field=1)), "unexpected"),
        (json.dumps(said(handout=7)), "handout: string type"),
        (json.dumps(said(handout="")), "handout: string too short"),
    ],
)
def test_what_is_not_an_answer_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        parse_answer(text)
    assert any(reason in r for r in refused.value.reasons)
    assert "secret_field" not in str(refused.value.reasons)


def _first(section: str, **changes: Any) -> dict[str, Any]:
    items = said()[section]
    return said(**{section: [items[0] | changes, *items[1:]]})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_first("problem_list", evidence=[{"kind": "record", "quote": "creatinine 2.4"}]), "not a verbatim part"),
        (_first("problem_list", evidence=[{"kind": "record", "quote": " "}]), "not a verbatim part"),
        (_first("problem_list", evidence=[{"kind": "knowledge", "fact_id": "ivig.boxed.none"}]), "no such fact"),
        (
            _first("problem_list", evidence=[{"kind": "knowledge", "fact_id": "adalimumab.boxed.malignancy"}]),
            "no such fact",
        ),
        (_first("problem_list", evidence=[{"kind": "order", "field": "provider.npi"}]), "no such field"),
        (_first("problem_list", evidence=[{"kind": "order", "field": "medication_history.9"}]), "no such field"),
        (_first("problem_list", checklist=[]), "is not answered"),
        (_first("problem_list", checklist=["invented"]), "do not exist"),
        (_first("problem_list", id="P2"), "used twice"),
        (_first("goals", addresses=["P77"]), "no such problem"),
        (said(monitoring=[]), "monitoring: this section is empty"),
    ],
)
def test_what_does_not_fit_the_order_is_refused(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        assemble(parse_answer(json.dumps(body)), REQUEST, PRODUCED_BY)
    assert any(reason in r for r in refused.value.reasons)


def test_all_reasons_come_at_once() -> None:
    body = _first("problem_list", evidence=[{"kind": "record", "quote": "x y z"}], checklist=[])
    body["goals"][0]["addresses"] = ["P77"]
    with pytest.raises(BadAnswer) as refused:
        assemble(parse_answer(json.dumps(body)), REQUEST, PRODUCED_BY)
    assert len(refused.value.reasons) == 3


def test_a_citation_is_numbered_once_however_often_it_is_used() -> None:
    plan = plan_for(REQUEST)
    assert len({c.id for c in plan.citations}) == len(plan.citations)
    assert len({(c.kind, c.source, c.quote) for c in plan.citations}) == len(plan.citations)
    record = next(c for c in plan.citations if c.kind == "record")
    assert REQUEST.order.patient_records[record.start : record.end] == record.quote


def test_offsets_count_code_points() -> None:
    request = request_for(patient_records="Größe 😀 normal. Creatinine 0.8 mg/dL, IVIG planned.")
    plan = plan_for(request)
    quotes = [c for c in plan.citations if c.kind == "record"]
    assert quotes
    assert all(request.order.patient_records[c.start : c.end] == c.quote for c in quotes)


def test_a_models_own_gaps_come_after_the_known_ones() -> None:
    plan = assemble(parse_answer(json.dumps(said(gaps=["Blood group not provided."]))), REQUEST, PRODUCED_BY)
    assert plan.gaps[: len(REQUEST.gaps)] == tuple(missing.text for missing in REQUEST.gaps)
    assert plan.gaps[-1] == "Blood group not provided."


def test_the_text_has_the_headings_in_order_and_the_identity_as_ordered() -> None:
    plan = plan_for(REQUEST)
    text = plan_text(plan, REQUEST.order)
    lines = text.split("\n")
    headings = ["Problem list", "Goals", "Pharmacist interventions", "Monitoring plan", "References"]
    assert [line for line in lines if line in headings] == headings
    for shown in ("Ana Bell", "012345", "1979-06-08", "Dr. Jane Lee", "1234567893", "G70.00", "I10", "K21.9", "IVIG"):
        assert shown in text
    assert "Draft" not in text
    assert readable(plan, REQUEST.order, "draft").startswith("Draft: requires pharmacist review")


def test_confirmed_mismatches_are_said() -> None:
    finding = Finding(
        type="warning", code="PATIENT_MRN_MISMATCH", message="…", detail={"on_file": "secret"}, confirmed=True
    )
    order = SAMPLES["ivig"]()
    plan = plan_for(plan_request(order, facts(), [finding]))
    assert any(gap.startswith("Identity") for gap in plan.gaps)
    assert "secret" not in plan_text(plan, order)
