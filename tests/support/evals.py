"""Plans of `scripted` for the cases of the evaluation, and a small plan to break by hand."""

from functools import lru_cache
from typing import Any

from evals.cases import Case, facts, load
from evals.look import Look
from schemas.careplan import CarePlan, Citation, ProducedBy, Sections
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.assemble import assemble
from services.generator.domain.request import plan_request

BY = ProducedBy(provider="scripted", model="scripted-1", prompt_version="scripted.v1", knowledge_version="test")


@lru_cache(maxsize=1)
def cases() -> dict[str, Case]:
    return {case.id: case for case in load()}


@lru_cache(maxsize=64)
def written(case_id: str) -> CarePlan:
    request = plan_request(cases()[case_id].order, facts())
    return assemble(scripted_answer(request), request, BY)


def small_plan(case: Case, **changes: Any) -> CarePlan:
    """One item a section, made by hand: right in form, far from complete."""
    quote = case.order.patient_records.split(".")[0]
    parts: dict[str, Any] = {
        "problem_list": [{
            "id": "P1", "text": f"The records say: {quote}", "category": "adherence", "severity": "low",
            "medication": case.order.medication, "citations": ["R1"],
        }],
        "goals": [{
            "id": "G1", "text": "No dose is missed.", "measure": "missed doses", "target": "0 doses", "due": "2026-06-01",
            "addresses": ["P1"],
        }],
        "interventions": [{
            "id": "I1", "text": "Counsel the patient; call the prescriber the same day.", "when": "before the first dose",
            "by": "pharmacist", "addresses": ["P1"], "citations": ["R1"],
        }],
        "monitoring": [{
            "id": "M1", "text": "Watch.", "test": "doses", "first": "before dose 1", "interval": "at every contact",
            "threshold": "any missed dose", "action": "Call the patient.", "responsible": "pharmacist", "addresses": ["P1"],
        }],
    }  # fmt: skip
    sections = Sections.model_validate(parts | {k: v for k, v in changes.items() if k in parts})
    cited = (Citation(id="R1", kind="record", source="patient_records", quote=quote, start=0, end=len(quote)),)
    gaps = changes.get("gaps", ())
    return CarePlan(
        sections=sections, gaps=gaps, handout=changes.get("handout", ""), citations=cited, produced_by=BY, text=""
    )


def look(case_id: str, plan: CarePlan | None = None) -> Look:
    return Look.at(plan or written(case_id), cases()[case_id])
