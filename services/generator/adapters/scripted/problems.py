"""The problem list: the checklist's findings, and what holds for whoever starts this drug."""

from collections.abc import Iterable

from services.generator.adapters.scripted.outline import Outline
from services.generator.domain.answer import ProblemItem
from services.generator.domain.checklist import RANK, ChecklistItem
from services.generator.domain.evidence import Evidence, FactRef, OrderField, RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.request import PlanRequest

EFFECT, RISKS, ADHERENCE = "effect", "risks", "adherence"
"""Ids of the problems that every plan has beside the checklist's."""

OF_THE_DRUG = ("boxed:", "rems:")
"""How the ids of those findings begin that hold for whoever gets the drug."""
MEDICATION, PRIMARY = OrderField(field="medication"), OrderField(field="primary_diagnosis")


def problems(request: PlanRequest, guide: Guide, plan: Outline) -> list[ProblemItem]:
    """The gravest first. Ids are the words above or P1 …; `assemble` numbers them."""
    found = [_finding(at, item, request, plan) for at, item in enumerate(request.checklist, 1)]
    found.append(_effect(request, guide))
    if plan.other_risks:
        found.append(_risks(guide, plan))
    found.append(_adherence(request, guide, plan))
    found.sort(key=lambda problem: RANK[problem.severity])
    return found


def _finding(at: int, item: ChecklistItem, request: PlanRequest, plan: Outline) -> ProblemItem:
    text, evidence = item.what, item.evidence
    if item.id.startswith((*OF_THE_DRUG, "missing:")):
        # What holds for everybody who gets the drug is this patient's problem because it was ordered.
        evidence = (*evidence, MEDICATION)
    if item.id.startswith("boxed:"):
        quotes = on_file(request, plan.on_file_for.get(item.id[6:], ()))
        said = quoted(quotes) or "nothing that bears on it"
        text = f"{text} On file for this patient, aged {request.age}: {said}."
        evidence = (*evidence, *quotes)
    return ProblemItem(
        id=f"P{at}",
        text=text,
        category=item.category,
        severity=item.severity,
        medication=item.medication,
        evidence=evidence,
        checklist=(item.id,),
    )


def quoted(quotes: Iterable[RecordQuote]) -> str:
    return "; ".join([f'"{quote.quote}"' for quote in quotes])


def on_file(request: PlanRequest, baseline_ids: tuple[str, ...]) -> tuple[RecordQuote, ...]:
    """What the records show of these baseline tests."""
    if not baseline_ids:
        return ()
    return tuple(
        found.evidence
        for found in request.baselines
        if found.fact.id in baseline_ids and isinstance(found.evidence, RecordQuote)
    )


def _effect(request: PlanRequest, guide: Guide) -> ProblemItem:
    order, case = request.order, request.case
    use = use_of(request, guide)
    evidence: list[RecordQuote | FactRef | OrderField] = [PRIMARY, MEDICATION]
    quote = _reason(request, guide)
    if quote is not None:
        evidence.append(quote)
    sex = f" {order.patient.sex}" if order.patient.sex in ("female", "male") else ""
    said = f' The records say: "{quote.quote}".' if quote is not None else ""
    return ProblemItem(
        id=EFFECT,
        text=f"{use} ({order.primary_diagnosis}) in a {case.age}-year-old{sex} patient needs treatment: {guide.drug.generic} "
        f"was ordered, and its effect has to be measured.{said}",
        category="needs_additional_therapy",
        severity="moderate",
        medication=guide.drug.generic,
        evidence=tuple(evidence),
        checklist=(),
    )


def use_of(request: PlanRequest, guide: Guide) -> str:
    codes = request.case.codes
    uses = (use.name for code in codes for use in guide.drug.uses if code.startswith(use.icd10))
    return next(uses, "The diagnosis of the order")


def _reason(request: PlanRequest, guide: Guide) -> RecordQuote | None:
    """The sentence of the records that names the drug: why, how much, since when."""
    records = request.case.records
    for wanted in guide.own_terms:
        place = next(records.places(wanted), None)
        if place is not None:
            return RecordQuote(quote=records.quote(place))
    return None


def _risks(guide: Guide, plan: Outline) -> ProblemItem:
    listed = "; ".join(fact.test for fact in plan.other_risks)
    return ProblemItem(
        id=RISKS,
        text=f"Other known risks of {guide.drug.generic} have to be watched for: {listed}.",
        category="adverse_reaction",
        severity="moderate",
        medication=guide.drug.generic,
        evidence=(*(guide.refs[fact.id] for fact in plan.other_risks), MEDICATION),
        checklist=(),
    )


def _adherence(request: PlanRequest, guide: Guide, plan: Outline) -> ProblemItem:
    count = len(request.case.medicines)
    beside = f" beside {count} other {'medicine' if count == 1 else 'medicines'} of the history" if count else ""
    evidence: tuple[Evidence, ...] = plan.keeping_on or plan.counselling[:1]
    return ProblemItem(
        id=ADHERENCE,
        text=f'Keeping up {guide.drug.generic} as ordered ("{request.order.medication}"){beside}: missed or late doses, wrong handling and unclear instructions '
        "can cost the effect.",
        category="adherence",
        severity="low",
        medication=guide.drug.generic,
        evidence=(*evidence, MEDICATION),
        checklist=(),
    )
