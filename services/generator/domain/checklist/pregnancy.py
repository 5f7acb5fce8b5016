"""A patient who may become pregnant and a drug that asks about it."""

from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem, gap
from services.generator.domain.evidence import OrderField, RecordQuote
from services.generator.domain.reading import term

_WISHES = tuple(map(term, ("planning a pregnancy", "plans a pregnancy", "planning pregnancy", "pregnancy planned",
                           "trying to conceive", "wants to become pregnant", "wants to conceive")))  # fmt: skip


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


def planned_pregnancy(case: Case) -> Iterator[ChecklistItem]:
    """Whatever the drug: whether it may go on into a pregnancy is decided before there is one."""
    places = (place for wish in _WISHES for place in case.records.places(wish) if not case.records.denied(place))
    place = next(places, None)
    if place is None or not case.may_become_pregnant:
        return
    quote = case.quote(place)
    drug = case.guide.drug.generic if case.guide else case.order.medication
    yield ChecklistItem(
        id="pregnancy:planned",
        severity="moderate",
        category="adverse_reaction",
        what=f'A pregnancy is planned: "{quote.quote}". Whether {drug} may be continued until and during it is not decided.',
        action="Ask the prescriber whether and when to stop before a pregnancy, and tell the patient to call before trying for one.",
        evidence=(quote,),
        medication=drug,
    )
