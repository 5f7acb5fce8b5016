"""Weights and doses that the order and its records state, compared with each other and with what code computes."""

import re
from collections.abc import Iterator
from decimal import Decimal

from knowledge.dosing import DoseStep
from knowledge.facts import DoseRule
from schemas.careplan import Category, Severity
from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem, gap
from services.generator.domain.dose import (
    ComputedDose,
    amount,
    applicable_rules,
    computed_doses,
    needs_weight,
    weight_of,
)
from services.generator.domain.evidence import OrderField
from services.generator.domain.reading import Place

KG_PER_LB = Decimal("0.45359237")
_WEIGHT = re.compile(r"(?<![\d./-])(\d{1,3}(?:\.\d{1,2})?)\s?(kgs?|kilograms?|lbs?|pounds)\b(?!\s*(?:loss|gain|/))")
_PER_KG = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3})?)\s?(g|mg)/kg(/day|/d| a day| per day| daily)?")
_PLAIN = re.compile(r"(?<![\d./])(\d{1,5}(?:,\d{3})?(?:\.\d{1,3})?)\s?(g|mg|grams?)\b(?!/)")
_WEIGHT_TOLERANCE = Decimal("0.05")
_TOLERANCE = Decimal("0.01")
_VIAL_ROUNDING = Decimal("0.10")
_FAR_OFF = 3
_MOST_WEIGHTS = 12


def weight_missing(case: Case) -> Iterator[ChecklistItem]:
    """No weight and a drug dosed by weight: nothing is computed."""
    guide = case.guide
    if guide is None or case.order.patient.weight_kg is not None:
        return
    if not needs_weight(case):
        return
    missing = gap("weight", "no dose was computed.")
    rules = tuple(guide.refs[rule.id] for rule in guide.doses if rule.weight_based and rule.population != "pediatric")
    yield ChecklistItem(
        id="weight:missing",
        severity="high",
        category="dose_too_low",
        what=f"{guide.drug.generic} is dosed by body weight and the order has none: {missing.placeholder}.",
        action="Ask for a measured weight in kilograms; compute and dispense no dose before.",
        evidence=(OrderField(field="medication"), *rules),
        medication=guide.drug.generic,
        gaps=(missing,),
    )


def weight_contradiction(case: Case) -> Iterator[ChecklistItem]:
    """The records state another weight than the order, once pounds are kilograms."""
    ours = weight_of(case)
    if ours is None:
        return
    low = case.records.low
    if " kg" not in low and "lb" not in low and "pound" not in low and "kg" not in low:
        return
    for found, _ in zip(_WEIGHT.finditer(low), range(_MOST_WEIGHTS), strict=False):
        number, pounds = Decimal(found[1]), found[2][0] in "lp"
        theirs = number * KG_PER_LB if pounds else number
        if theirs < 2 or abs(theirs - ours) <= ours * _WEIGHT_TOLERANCE:
            continue
        swapped = pounds and abs(number - ours) <= ours * _WEIGHT_TOLERANCE
        yield _contradiction(case, Place(*found.span()), ours, swapped=swapped)
        return


def _contradiction(case: Case, place: Place, ours: Decimal, *, swapped: bool) -> ChecklistItem:
    why = (
        " The order's kilograms equal the records' pounds: the unit was probably taken over wrongly." if swapped else ""
    )
    return ChecklistItem(
        id="weight:contradiction",
        severity="high",
        category="dose_too_high",
        what=f'The order\'s weight is {amount(ours)} kg; the records say "{case.records.text[place.start : place.end]}".{why}',
        action="Have the patient weighed, and confirm the weight in kilograms with the prescriber; prepare no dose by weight before.",
        evidence=(OrderField(field="patient.weight_kg"), case.quote(place)),
        medication=case.guide.drug.generic if case.guide else None,
    )


def stated_dose(case: Case) -> Iterator[ChecklistItem]:
    """A dose by weight in the order or the records that the rule or the arithmetic does not bear out."""
    guide = case.guide
    if guide is None:
        return
    for text, low, evidence in (
        (case.order.medication, case.medication.low, None),
        (case.order.patient_records, case.records.low, case.records),
    ):
        if "/kg" not in low:
            continue
        found = _PER_KG.search(low)
        if found is None:
            continue
        where = OrderField(field="medication") if evidence is None else case.quote(Place(*found.span()))
        span = text if evidence is None else _around(case, found.start())
        rule_step = _nearest(case, found[2])
        if rule_step is None:
            return
        rule, step = rule_step
        total = Decimal(found[1])
        if found[3] and step.divided_over_days:
            total *= step.divided_over_days
        yield from _against_rule(case, rule, step, total, found[0], where)
        yield from _against_arithmetic(case, rule, step, total, span, where)
        return


def _around(case: Case, start: int) -> str:
    """The sentence and a little of the next: "28.8 g a day; vial rounding allowed"."""
    begin, end = case.records.sentence(start)
    return case.order.patient_records[begin : end + 40]


def _nearest(case: Case, unit: str) -> tuple[DoseRule, DoseStep] | None:
    return next(
        ((r, s) for r in applicable_rules(case) for s in r.steps if s.per_kg is not None and s.unit == unit), None
    )


def _against_rule(
    case: Case, rule: DoseRule, step: DoseStep, stated: Decimal, words: str, where: object
) -> Iterator[ChecklistItem]:
    assert case.guide is not None
    assert step.per_kg is not None
    allowed = {s.per_kg for r in applicable_rules(case) for s in r.steps if s.per_kg is not None}
    lowest, highest = min(allowed), max(*allowed, step.per_kg_to or Decimal(0))
    if lowest * (1 - _TOLERANCE) <= stated <= highest * (1 + _TOLERANCE):
        return
    high = stated > highest
    far = stated >= highest * _FAR_OFF or stated * _FAR_OFF <= lowest
    category: Category = "dose_too_high" if high else "dose_too_low"
    severity: Severity = "high" if far else "moderate"
    yield ChecklistItem(
        id="dose:rule",
        severity=severity,
        category=category,
        what=f"The stated dose of {case.guide.drug.generic} ({words.strip()}) is {'above' if high else 'below'} the rule: {rule.text}",
        action="Ask the prescriber which dose is meant; do not prepare one before.",
        evidence=(where, case.guide.refs[rule.id]),  # type: ignore[arg-type]
        medication=case.guide.drug.generic,
    )


def _against_arithmetic(
    case: Case, rule: DoseRule, step: DoseStep, stated: Decimal, sentence: str, where: object
) -> Iterator[ChecklistItem]:
    """Of "2 g/kg, 28.8 g a day" for 72 kg: one of the plain amounts must follow from the weight."""
    weight = weight_of(case)
    plain = [Decimal(m[1].replace(",", "")) for m in _PLAIN.finditer(sentence.lower()) if m[2][0] == step.unit[0]]
    if weight is None or not plain or case.guide is None:
        return
    total = stated * weight
    right = {total} | ({total / step.divided_over_days} if step.divided_over_days else set())
    rounding = _VIAL_ROUNDING if "round" in sentence.lower() else _TOLERANCE
    if any(abs(value - dose) <= dose * rounding for value in plain for dose in right):
        return
    computed = " or ".join(f"{amount(dose)} {step.unit}" for dose in sorted(right, reverse=True))
    yield ChecklistItem(
        id="dose:arithmetic",
        severity="high",
        category="dose_too_high" if min(plain) > min(right) else "dose_too_low",
        what=f"The amount stated for {case.guide.drug.generic} does not follow from the weight: "
        f"{amount(stated)} {step.unit}/kg and {amount(weight)} kg make {computed}.",
        action="Show the prescriber both amounts and ask which one is meant; prepare none before.",
        evidence=(where, OrderField(field="patient.weight_kg"), case.guide.refs[rule.id]),  # type: ignore[arg-type]
        medication=case.guide.drug.generic,
    )


def stated_amount(case: Case) -> Iterator[ChecklistItem]:
    """A plain amount named with the drug that is far from every amount the rules give: a decimal point or a unit slipped."""
    guide = case.guide
    if guide is None:
        return
    doses = computed_doses(case)
    known = {value for dose in doses for value in (dose.amount, dose.per_day) if value is not None}
    if not known or not all(dose.step.unit == "mg" for dose in doses):
        return
    for place in _named(case):
        found = _PLAIN.search(case.records.low, place.end, place.end + 30)
        if found is None or found[2] != "mg" or "stopped" in case.records.low[place.end : place.end + 40]:
            continue
        stated = Decimal(found[1].replace(",", ""))
        if stated >= max(known) * _FAR_OFF or stated * _FAR_OFF <= min(known):
            yield _far_off(case, doses, stated, Place(place.start, found.end()), high=stated > max(known))
            return


def _named(case: Case) -> Iterator[Place]:
    assert case.guide is not None
    return (mention.place for mention in case.guide.own_index.mentions_in(case.records))


def _far_off(
    case: Case, doses: tuple[ComputedDose, ...], stated: Decimal, place: Place, *, high: bool
) -> ChecklistItem:
    assert case.guide is not None
    return ChecklistItem(
        id="dose:amount",
        severity="high",
        category="dose_too_high" if high else "dose_too_low",
        what=f"The stated amount of {case.guide.drug.generic}, {amount(stated)} mg, is far from the rule's: "
        f"{'; '.join(dose.words for dose in doses)}.",
        action="Call the prescriber: ask which amount is meant; prepare none before.",
        evidence=(
            case.quote(place),
            *(case.guide.refs[rule_id] for rule_id in dict.fromkeys(d.rule.id for d in doses)),
        ),
        medication=case.guide.drug.generic,
    )
