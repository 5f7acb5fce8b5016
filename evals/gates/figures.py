"""G3, G4: where every number comes from, and whether doses are worked out rightly."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from evals.cases import words_of
from evals.figures import Figure, Given, a_date, figures, test_values
from evals.look import Look
from knowledge.facts import DoseRule, Fact
from knowledge.facts import Monitoring as MonitoringFact
from services.generator.domain.guards.support import arithmetic_is_right, numbers_are_supported

_ALWAYS = "0 1 2 911"
_PRODUCT = re.compile(
    r"(\d+(?:\.\d+)?) ?(mg|g)/kg\s*(?:[x×*]|times)\s*(\d+(?:\.\d+)?) ?(kg|lbs?|pounds)?\s*(?:=|is|makes?)\s*"
    r"(\d[\d,]*(?:\.\d+)?) ?(mg|g)\b"
)
_TOLERANCE = Decimal("0.01")


def numbers(look: Look) -> list[str]:
    """G3. Second opinion: read with their units, and a test's value only where that test has it."""
    reasons = numbers_are_supported(look.guards)
    given = Given(set(_given(look)))
    sources = "\n".join((_ordered(look), *(words_of(fact.id) for fact in _cited(look))))
    values = test_values(sources)
    for where, text in look.texts:
        odd = [figure.raw for figure in figures(text) if not given.has(figure)]
        if odd:
            reasons.append(f"{where}: {', '.join(odd)} stands in no source")
        borrowed = test_values(text) - values
        if borrowed:
            reasons.append(f"{where}: a value of {', '.join(sorted(name for name, _ in borrowed))} that no source has")
    return reasons


def arithmetic(look: Look) -> list[str]:
    """G4. Second opinion: products worked out again, and the doses that were worked out by hand for this case."""
    reasons = arithmetic_is_right(look.guards)
    weight = look.case.order.patient.weight_kg
    for where, text in look.texts:
        for per_kg, unit, by, by_unit, total, total_unit in _PRODUCT.findall(text):
            if weight is None or by_unit in ("lb", "lbs", "pounds"):
                reasons.append(f"{where}: a dose by weight without a weight in kilograms")
                continue
            right = Decimal(per_kg) * Decimal(str(weight)) * (1000 if unit == "g" else 1)
            stated = Decimal(total.replace(",", "")) * (1000 if total_unit == "g" else 1)
            if abs(stated - right) > right * _TOLERANCE or abs(Decimal(by) - Decimal(str(weight))) > _TOLERANCE:
                reasons.append(f"{where}: {per_kg} {unit}/kg and {weight:g} kg do not make {total} {total_unit}")
    said = {(f.unit, f.value) for f in figures("\n".join(step.text for step in look.plan.sections.interventions))}
    wanted = ((dose, next(figures(dose))) for dose in look.case.expected_doses)
    return reasons + [
        f"interventions: the dose {dose} is missing" for dose, f in wanted if (f.unit, f.value) not in said
    ]


def _given(look: Look) -> Iterator[Figure]:
    yield from figures(_ALWAYS)
    yield from figures(_ordered(look))
    for fact in _cited(look):
        yield from _figures_of(fact.id)
    yield from _dates(look)
    yield from _doses(look)
    order = look.case.order
    days = (order.order_date - order.patient.date_of_birth).days
    counts = (int(days / 365.2425), len(order.medication_history), len(look.plan.gaps), len(look.request.gaps))
    for count in counts:
        yield from figures(f"{count}, {count} years")


def _ordered(look: Look) -> str:
    order = look.case.order
    lists = (
        *order.medication_history,
        *order.patient.allergies,
        order.medication,
        f"{order.patient.weight_kg or 0} kg",
    )
    return "\n".join(
        (order.patient_records, *lists, order.order_date.isoformat(), order.patient.date_of_birth.isoformat())
    )


def _cited(look: Look) -> list[Fact]:
    cited = {citation.fact_id for citation in look.plan.citations}
    return [fact for fact in look.facts if fact.id in cited]


@lru_cache(maxsize=4096)
def _figures_of(fact_id: str) -> frozenset[Figure]:
    return frozenset(figures(words_of(fact_id)))


def _dates(look: Look) -> Iterator[Figure]:
    """The order date, what the knowledge base counts from it, and the goals' own due dates."""
    rules = [step for fact in look.facts if isinstance(fact, DoseRule) for step in fact.steps]
    course = {0, *(day for step in rules for day in step.on_days), *(step.from_day or 0 for step in rules)}
    checks = [f for f in look.facts if isinstance(f, MonitoringFact)]
    first = {0, *(fact.days_after_start or 0 for fact in checks)}
    again = {0, *(fact.every_days or 0 for fact in checks)}
    offsets = {one + two + three for one in course for two in first for three in again}
    yield from (a_date(look.case.order.order_date + timedelta(days=days)) for days in offsets)
    yield from (a_date(goal.due) for goal in look.plan.sections.goals)


def _doses(look: Look) -> Iterator[Figure]:
    weight = look.case.order.patient.weight_kg
    by = Decimal(str(weight)) if weight is not None else None
    for fact in look.facts:
        for step in fact.steps if isinstance(fact, DoseRule) else ():
            one = step.per_kg * by if step.per_kg is not None and by is not None else step.amount_for(by)
            one = min(one, step.max_amount) if one is not None and step.max_amount is not None else one
            for parts in (1, step.divided_over_days or 1):
                if one is not None:
                    yield from figures(f"{round(one / parts, 2).normalize():f} {step.unit}")
            yield from figures(f"{len(step.on_days)}, {step.divided_over_days or 0} days")
    yield from (f for item in look.request.checklist if item.id.startswith("dose:") for f in figures(item.what))
