"""What a plan is written from: the order, what is known of its drug, and everything that code can work out itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.base import KnowledgeBase
from knowledge.facts import Fact
from knowledge.models import Drug
from schemas.order import Finding, Order
from services.generator.domain.case import Case, read
from services.generator.domain.checklist import ChecklistItem, Gap, OnFile, baselines, checklist, gap
from services.generator.domain.dose import ComputedDose, computed_doses, needs_weight
from services.generator.domain.guide import Guide, Library, library
from services.generator.domain.monitoring import Visit, calendar


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Nothing in it was said by a model. `guide` is None for a drug that the knowledge base does not know."""

    order: Order
    drug: Drug | None
    case: Case
    age: int
    checklist: tuple[ChecklistItem, ...]
    baselines: tuple[OnFile, ...]
    doses: tuple[ComputedDose, ...]
    calendar: tuple[Visit, ...]
    gaps: tuple[Gap, ...]
    """What is missing, each with the placeholder that stands for it in the plan."""
    notes: tuple[str, ...]
    """What else the plan must say beside its sections: confirmed mismatches, unverified facts."""
    knowledge_version: str
    passages: tuple[tuple[int, int], ...] = ()
    """What a model reads of long records, as [start, end); empty: all of them."""

    @property
    def guide(self) -> Guide | None:
        return self.case.guide

    @property
    def library(self) -> Library:
        return self.case.library

    @property
    def order_date(self) -> date:
        return self.order.order_date

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The drug's facts that hold for these diagnoses."""
        return self.case.guide.facts if self.case.guide else ()


def plan_request(order: Order, knowledge: KnowledgeBase, findings: Sequence[Finding] = ()) -> PlanRequest:
    """Pure. `findings` are validation's; those that somebody confirmed are said in the plan."""
    books = library(knowledge)
    drug = knowledge.drug_for(order.medication)
    codes = (order.primary_diagnosis, *order.additional_diagnoses)
    case = read(order, books, books.guide(drug, codes) if drug else None)
    on_file = baselines(case)
    items = checklist(case, on_file)
    return PlanRequest(
        order=order,
        drug=drug,
        case=case,
        age=case.age,
        checklist=items,
        baselines=on_file,
        doses=computed_doses(case),
        calendar=_schedule(case),
        gaps=_gaps(case, items),
        notes=_notes(case, findings),
        knowledge_version=knowledge.version,
    )


def _schedule(case: Case) -> tuple[Visit, ...]:
    visits = calendar(case.guide, case.order.order_date)
    return visits if case.may_become_pregnant else tuple(v for v in visits if "pregnan" not in v.fact.test)


def _gaps(case: Case, items: tuple[ChecklistItem, ...]) -> tuple[Gap, ...]:
    found = {missing.placeholder: missing for item in items for missing in item.gaps}
    for missing in _details(case):
        found.setdefault(missing.placeholder, missing)
    return tuple(found.values())


def _details(case: Case) -> list[Gap]:
    """What the order does not carry, whatever the drug."""
    patient = case.order.patient
    found = [] if case.guide else [gap("drug facts", "the knowledge base does not know this medication.")]
    if patient.weight_kg is None:
        found.append(
            gap("weight", "no dose was computed." if needs_weight(case) else "ask where a dose depends on it.")
        )
    if patient.sex in (None, "unknown"):
        found.append(gap("sex", "ask about childbearing potential where it matters."))
    if not case.allergies:
        found.append(gap("allergies", "nothing could be compared with the drug and its excipients."))
    if not case.medicines:
        found.append(gap("medication history", "interactions could not be checked."))
    found.append(gap("date of first dose", "all dates are counted from the order date."))
    return found


_CONFIRMED = {
    "PATIENT_MRN_MISMATCH": "Identity: the MRN is on file with another name or date of birth; the submitter confirmed the "
    "order as it stands. Check the patient's identity before dispensing.",
    "PATIENT_POSSIBLE_DUPLICATE": "Identity: a patient with this name and date of birth is on file under another MRN; the "
    "submitter confirmed a new one. Check the patient's identity before dispensing.",
    "DUPLICATE_ORDER_OTHER_DAY": "An earlier order for the same medication exists; the submitter confirmed this one.",
    "NPI_CHECK_DIGIT": "The check digit of the provider's NPI is wrong; the submitter confirmed it.",
}


def _notes(case: Case, findings: Sequence[Finding]) -> tuple[str, ...]:
    notes = [_CONFIRMED[f.code] for f in findings if f.confirmed and f.code in _CONFIRMED]
    if case.guide is None:
        notes.append(
            "Low confidence: the knowledge base has no facts on this medication, so interactions, contraindications, "
            "baseline tests and monitoring could not be checked. A pharmacist must work from the current label."
        )
    elif case.guide.drug.status != "verified":
        notes.append(
            f"The facts on {case.guide.drug.generic} have not been verified by a pharmacist against the current label."
        )
    if case.records.addresses_a_machine:
        notes.append("The records hold text that is addressed to a computer program; it was not followed.")
    return tuple(notes)
