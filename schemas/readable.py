"""The plan as plain text, for reading, printing and signing. It shows the identity exactly as the order carries it.

Rendered by whoever shows a plan, and never stored: it would be half of every plan, in each table and on the wire.
"""

from collections.abc import Iterable

from schemas.careplan import DRAFT_BANNER, CarePlan, Citation, Goal, Intervention, Monitoring, Problem, Review
from schemas.order import Order

PROBLEMS, GOALS, INTERVENTIONS, MONITORING, REFERENCES = (
    "Problem list", "Goals", "Pharmacist interventions", "Monitoring plan", "References",
)  # fmt: skip
_MISSING = "Not provided, and notes"


def readable(plan: CarePlan, order: Order, review: Review) -> str:
    """As it is shown: below the draft banner until a pharmacist has approved it."""
    text = plan_text(plan, order)
    return text if review == "approved" else f"{DRAFT_BANNER}\n\n{text}"


def plan_text(plan: CarePlan, order: Order) -> str:
    """Without the draft banner. The headings are a promise: readers and tests find the sections by them."""
    if plan.text_edited:
        return plan.text
    sections = plan.sections
    lines = ["Pharmacist care plan", "", *_identity(order)]
    _section(lines, PROBLEMS, (_problem(item) for item in sections.problem_list))
    _section(lines, GOALS, (_goal(item) for item in sections.goals))
    _section(lines, INTERVENTIONS, (_intervention(item) for item in sections.interventions))
    _section(lines, MONITORING, (_monitoring(item) for item in sections.monitoring))
    _section(lines, _MISSING, (f"- {text}" for text in plan.gaps))
    _section(lines, REFERENCES, (_reference(citation) for citation in plan.citations))
    return "\n".join(lines)


def _section(lines: list[str], heading: str, items: Iterable[str]) -> None:
    lines.extend(("", heading, "", *items))


def _identity(order: Order) -> Iterable[str]:
    patient, provider = order.patient, order.provider
    about = [f"MRN {patient.mrn}", f"date of birth {patient.date_of_birth.isoformat()}"]
    if patient.sex is not None:
        about.append(f"sex {patient.sex}")
    if patient.weight_kg is not None:
        about.append(f"weight {patient.weight_kg:g} kg")
    yield f"Patient: {patient.first_name} {patient.last_name}; {'; '.join(about)}"
    if patient.allergies:
        yield f"Allergies: {'; '.join(patient.allergies)}"
    yield f"Provider: {provider.name}; NPI {provider.npi}"
    yield f"Primary diagnosis: {order.primary_diagnosis}"
    if order.additional_diagnoses:
        yield f"Additional diagnoses: {', '.join(order.additional_diagnoses)}"
    yield f"Medication: {order.medication}"
    if order.medication_history:
        yield f"Medication history: {'; '.join(order.medication_history)}"
    yield f"Order date: {order.order_date.isoformat()}"


def _problem(item: Problem) -> str:
    about = f"{item.severity}, {item.category.replace('_', ' ')}, {item.status}"
    return f"{item.id}. {item.text} ({about}){_cited(item.citations)}"


def _goal(item: Goal) -> str:
    return (
        f"{item.id}. {item.text} Measure: {item.measure}. Target: {item.target}. Due: {item.due.isoformat()}."
        f"{_for(item.addresses)}{_cited(item.citations)}"
    )


def _intervention(item: Intervention) -> str:
    return f"{item.id}. {item.text} When: {item.when}. By: {item.by}.{_for(item.addresses)}{_cited(item.citations)}"


def _monitoring(item: Monitoring) -> str:
    return (
        f"{item.id}. {item.text} Test: {item.test}. First: {item.first}. Interval: {item.interval}. "
        f"Threshold: {item.threshold}. Action: {item.action.rstrip('.')}. Responsible: {item.responsible}."
        f"{_for(item.addresses)}{_cited(item.citations)}"
    )


def _reference(citation: Citation) -> str:
    return f'{citation.id} {citation.source}: "{citation.quote}"'


def _for(addresses: tuple[str, ...]) -> str:
    return f" For {', '.join(addresses)}." if addresses else ""


def _cited(citations: tuple[str, ...]) -> str:
    return f" [{', '.join(citations)}]" if citations else ""
