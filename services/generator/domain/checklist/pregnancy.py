"""A patient who may become pregnant and a drug that asks about it."""

from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem, gap
from services.generator.domain.evidence import OrderField, RecordQuote


def childbearing_potential(case: Case) -> Iterator[ChecklistItem]:
    """Pregnancy test and contraception, unless the records say that the patient cannot become pregnant."""
    guide = case.guide
    if guide is None or not guide.pregnancy or not case.may_become_pregnant:
        return
    rule = next(iter(guide.rule("pregnancy")), None)
    high = rule is not None and guide.drug.id in rule.drugs
    known = case.order.patient.sex == "female"
    missing = (
        () if case.order.patient.sex not in (None, "unknown") else (gap("sex", "ask about childbearing potential."),)
    )
    who = "A patient who may become pregnant" if known else f"Sex {missing[0].placeholder if missing else 'other'}"
    steps = []
    if any(f.test_required for f in guide.pregnancy):
        steps.append("Confirm a negative pregnancy test.")
    if any(f.contraception_required for f in guide.pregnancy):
        steps.append("Confirm effective contraception.")
    evidence: list[OrderField | RecordQuote] = [OrderField(field="patient.date_of_birth")]
    if not missing:
        evidence.append(OrderField(field="patient.sex"))
    yield ChecklistItem(
        id="pregnancy",
        severity="high" if high else "moderate",
        category="adverse_reaction",
        what=f"{who}, aged {case.age}, is to receive {guide.drug.generic}: "
        + " ".join(fact.text for fact in guide.pregnancy),
        action=" ".join([*steps, *(fact.action for fact in guide.pregnancy)]),
        evidence=(*evidence, *(guide.refs[fact.id] for fact in guide.pregnancy)),
        medication=guide.drug.generic,
        gaps=missing,
    )
