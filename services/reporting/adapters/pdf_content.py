"""What `care_plan.typ` is given to print: plain strings, never markup. The wording of the plan stays as it was signed."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from schemas.careplan import DRAFT_BANNER, CarePlan, Citation, Goal, Intervention, Monitoring, Problem
from schemas.order import Order
from services.reporting.adapters.printable import breakable, printable
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import PlanDocument

PROBLEMS, GOALS, INTERVENTIONS, MONITORING = (
    "Problem list", "Goals", "Pharmacist interventions", "Monitoring plan",
)  # fmt: skip
_BULLET = "- "
_SHORT = 1_500
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_NO_BREAK = "\u00a0"
_Pairs = Sequence[tuple[str, str]]


def content_of(document: PlanDocument, pharmacy: Pharmacy) -> dict[str, Any]:
    plan, order, signature = document.plan, document.order, document.signature
    edited = plan.text.splitlines() if plan.text_edited else None
    content = {
        "banner": None if document.review == "approved" else DRAFT_BANNER,
        "signed": f"Approved by {signature.by}, {_moment(signature.at, pharmacy)}" if signature else None,
        "careplan_id": str(document.careplan_id),
        "version": document.version,
        "pharmacy": [text for text in (pharmacy.name, pharmacy.phone, pharmacy.npi and f"NPI {pharmacy.npi}") if text],
        "phone": pharmacy.phone,
        "patient": f"{order.patient.first_name} {order.patient.last_name}",
        "mrn": order.patient.mrn,
        "born": order.patient.date_of_birth.isoformat(),
        "identity": _identity(order),
        "gaps": plan.gaps,
        "edited_text": edited,
        "headings": (PROBLEMS, GOALS, INTERVENTIONS, MONITORING),
        "sections": [] if plan.text_edited else _sections(plan, order),
        "references": [] if plan.text_edited else [_reference(citation) for citation in plan.citations],
        "handout": [_line(line) for line in plan.handout.splitlines() if line.strip()],
        "produced_by": f"{plan.produced_by.provider}, {plan.produced_by.model}",
        "revised": f"; revised by {document.revised_by}" if document.revised_by else "",
        "made_on": _day(document.current.created_at, pharmacy),
    }
    printed: dict[str, Any] = _printable(content)
    return printed


def _sections(plan: CarePlan, order: Order) -> list[dict[str, Any]]:
    sections = plan.sections
    return [
        {"heading": PROBLEMS, "items": [_problem(item, order.medication) for item in sections.problem_list]},
        {"heading": GOALS, "items": [_goal(item) for item in sections.goals]},
        {"heading": INTERVENTIONS, "items": [_intervention(item) for item in sections.interventions]},
        {"heading": MONITORING, "items": [_monitoring(item) for item in sections.monitoring]},
    ]


def _identity(order: Order) -> list[tuple[str, str]]:
    patient, provider = order.patient, order.provider
    known = [
        ("Patient", f"{patient.first_name} {patient.last_name}"),
        ("MRN", patient.mrn),
        ("Date of birth", patient.date_of_birth.isoformat()),
        ("Sex", patient.sex or ""),
        ("Weight", f"{patient.weight_kg:g} kg" if patient.weight_kg is not None else ""),
        ("Provider", f"{provider.name}; NPI {provider.npi}"),
        ("Order date", order.order_date.isoformat()),
        ("Diagnoses", ", ".join((order.primary_diagnosis, *order.additional_diagnoses))),
        ("Medication", order.medication),
        ("Allergies", "; ".join(patient.allergies)),
        ("Medication history", "; ".join(order.medication_history)),
    ]
    return [(label, value or "not provided") for label, value in known]


def _item(item: Problem | Goal | Intervention | Monitoring, facts: _Pairs = (), brief: _Pairs = ()) -> dict[str, Any]:
    """`facts` get a line each; `brief` ones share one. A `short` item is kept on one page."""
    addresses = getattr(item, "addresses", ())
    length = len(item.text) + sum(len(text) for _, text in (*facts, *brief))
    return {
        "id": item.id,
        "text": item.text,
        "tags": (),
        "facts": facts,
        "brief": [*brief, *([("For", ", ".join(addresses))] if addresses else [])],
        "cited": ", ".join(item.citations),
        "short": length < _SHORT,
    }


def _problem(item: Problem, ordered: str) -> dict[str, Any]:
    tags = [item.severity, item.category.replace("_", " "), item.status]
    if item.medication and item.medication != ordered:
        tags.append(item.medication)
    return _item(item) | {"tags": tags}


def _goal(item: Goal) -> dict[str, Any]:
    return _item(item, [("Measure", item.measure), ("Target", item.target)], [("Due", item.due.isoformat())])


def _intervention(item: Intervention) -> dict[str, Any]:
    return _item(item, brief=[("When", item.when), ("By", item.by)])


def _monitoring(item: Monitoring) -> dict[str, Any]:
    facts = [
        ("Test", item.test), ("First", item.first), ("Interval", item.interval),
        ("Threshold", item.threshold), ("Action", item.action),
    ]  # fmt: skip
    return _item(item, facts, [("By", item.responsible)])


def _reference(citation: Citation) -> tuple[str, str]:
    return citation.id, f"{citation.source.replace('_', ' ')}: “{citation.quote}”"


def _line(line: str) -> dict[str, Any]:
    """A line of the handout, its dates as a patient writes them; one that says to call 911 is printed bold."""
    text = _DATE.sub(_in_words, line.strip())
    return {"bullet": text.startswith(_BULLET), "text": text.removeprefix(_BULLET), "urgent": "911" in text}


def _in_words(found: re.Match[str]) -> str:
    try:
        day = date.fromisoformat(found.group())
    except ValueError:
        return found.group()
    return f"{day:%B} {day.day}, {day.year}".replace(" ", _NO_BREAK)


def _moment(moment: datetime, pharmacy: Pharmacy) -> str:
    return moment.astimezone(pharmacy.time_zone).strftime("%Y-%m-%d %H:%M %Z")


def _day(moment: datetime, pharmacy: Pharmacy) -> str:
    return moment.astimezone(pharmacy.time_zone).date().isoformat()


def _printable(value: Any) -> Any:
    match value:
        case str():
            return breakable(printable(value))
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case _:
            return value
