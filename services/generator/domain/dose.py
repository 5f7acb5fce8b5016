"""Doses, computed by code from the knowledge base's rules and the order's weight. A model never computes one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from knowledge.dosing import DoseStep
from knowledge.facts import DoseRule
from services.generator.domain.case import Case
from services.generator.domain.reading import term

_ADULT = 18
_SUBCUTANEOUS = tuple(
    map(term, ("SC", "SQ", "subcut", "subcutaneous", "subcutaneously", "pen", "syringe", "autoinjector"))
)
_INTRAVENOUS = tuple(map(term, ("IV", "intravenous", "intravenously", "infusion")))
_MOST_DATES = 6


@dataclass(frozen=True, slots=True)
class ComputedDose:
    """One step of a regimen for this patient; `amount` in `step.unit`, `per_day` where a total is divided."""

    rule: DoseRule
    step: DoseStep
    amount: Decimal
    per_day: Decimal | None
    weight_kg: Decimal | None
    dates: tuple[date, ...]

    @property
    def words(self) -> str:
        unit = self.step.unit
        if self.weight_kg is None or self.step.per_kg is None:
            said = f"{amount(self.amount)} {unit}"
        else:
            said = f"{amount(self.step.per_kg)} {unit}/kg x {amount(self.weight_kg)} kg = {amount(self.amount)} {unit}"
            if self.step.max_amount == self.amount:
                said += " (the maximum)"
        if self.per_day is not None:
            said += f" in total, {amount(self.per_day)} {unit} a day for {self.step.divided_over_days} days"
        return f"{self.step.name}: {said}"


def amount(value: Decimal) -> str:
    """Up to two decimals, and none that say nothing: 28.8, 144, 0.25."""
    rounded = value.quantize(Decimal("0.01"))
    return f"{rounded.normalize():f}"


def needs_weight(case: Case) -> bool:
    return case.guide is None or case.guide.dosed_by_weight


def weight_of(case: Case) -> Decimal | None:
    weight = case.order.patient.weight_kg
    return None if weight is None else Decimal(str(weight))


def applicable_rules(case: Case) -> tuple[DoseRule, ...]:
    """The rules with steps for this patient's age and route; those made for a diagnosis before general ones."""
    guide = case.guide
    if guide is None:
        return ()
    wrong = "pediatric" if case.age >= _ADULT else "adult"
    rules = [r for r in guide.doses if r.steps and r.population != wrong and not all(s.optional for s in r.steps)]
    rules = [r for r in rules if r.icd10] or rules
    route = _route(case) if len({r.route for r in guide.doses if r.route}) > 1 else None
    return tuple(r for r in rules if route is None or r.route in (route, None))


def _route(case: Case) -> str | None:
    """What the medication string says, else what the records say first; None where neither does."""
    for reading in (case.medication, case.records):
        if any(reading.has(t) for t in _INTRAVENOUS):
            return "IV"
        if any(reading.has(t) for t in _SUBCUTANEOUS):
            return "SC"
    return None


def computed_doses(case: Case) -> tuple[ComputedDose, ...]:
    """Nothing that depends on a weight where there is none."""
    return tuple(_computed(case, weight_of(case)))


def _computed(case: Case, weight: Decimal | None) -> Iterator[ComputedDose]:
    for rule in applicable_rules(case):
        for step in rule.steps:
            dose = step.amount_for(weight)
            if dose is None or (step.optional and not _is_named(case, rule, step)):
                continue
            share = step.amount_per_day(weight) if step.divided_over_days else None
            yield ComputedDose(
                rule=rule,
                step=step,
                amount=dose,
                per_day=share,
                weight_kg=weight if step.needs_weight else None,
                dates=_dates(step, case.order.order_date),
            )


def _is_named(case: Case, rule: DoseRule, step: DoseStep) -> bool:
    """Of several options, the one whose amount by weight the order names, where no other step has the same."""
    if step.per_kg is None or sum(other.per_kg == step.per_kg for other in rule.steps) > 1:
        return False
    words = f"{amount(step.per_kg)} {step.unit}/kg"
    # Not the end of another number: "1.5 mg/kg" is not "5 mg/kg".
    return any(
        re.search(rf"(?<![\d.]){re.escape(words)}", r.low) for r in (case.medication, case.records) if words in r.low
    )


def _dates(step: DoseStep, start: date) -> tuple[date, ...]:
    days = list(step.on_days) if step.on_days else [] if step.from_day is None else [step.from_day]
    return tuple(start + timedelta(days=day) for day in days[:_MOST_DATES])
