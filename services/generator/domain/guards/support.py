"""Whether every number, name and code of the plan is one that somebody gave us."""

import re

from schemas.careplan import CarePlan
from services.generator.domain.dose import amount
from services.generator.domain.guards.look import Look
from services.generator.domain.numbers import Known, Number, numbers_in
from services.generator.domain.reading import fold
from services.generator.domain.request import PlanRequest

_PRODUCT = re.compile(
    r"(\d+(?:\.\d+)?) ?(g|mg)/kg ?[x×*] ?(\d+(?:\.\d+)?) ?(kg|lbs?|pounds)? ?= ?(\d+(?:,\d{3})*(?:\.\d+)?) ?(g|mg)"
)
_CODE = re.compile(r"[A-Z](?<!\w.)[0-9][0-9A-Z]\.[0-9A-Z]{1,4}\b")
_SYSTEMS = ("SNOMED", "LOINC", "RxNorm", "ICD-9")
_FREE = frozenset({Number("", 0, "0"), Number("", 1, "1"), Number("", 2, "2"), Number("", 911, "911")})
_ARITHMETIC_TOLERANCE = 0.01
_FOREIGN = ("ignore previous", "previous instructions", "system prompt", "as an ai", "language model", "<records", "</records",
            "i cannot help", "untrusted data")  # fmt: skip


def numbers_are_supported(look: Look) -> list[str]:
    """G3: every number is in the order, in a fact that the plan cites, or worked out by code.

    Cheap first: the facts and what code worked out. The records are searched only for what is left.
    """
    found = set(numbers_in(look.low)) - _FREE
    known = Known(_given(look.plan, look.request, look.given))
    unsupported = {number for number in found if not known.covers(number)}
    if unsupported:
        in_records = Known(frozenset(numbers_in(look.request.case.records.low)))
        unsupported = {number for number in unsupported if not in_records.covers(number)}
    return [
        f"{where}: a number that neither the order nor a cited fact has"
        for where, text in (look.own if unsupported else ())
        if not unsupported.isdisjoint(numbers_in(fold(text)))
    ]


def _given(plan: CarePlan, request: PlanRequest, ordered: str) -> frozenset[Number]:
    guide = request.guide
    cited = [guide.numbers.get(c.fact_id or "", frozenset[Number]()) for c in plan.citations] if guide else []
    return frozenset(_worked_out(plan, request)).union(numbers_in(ordered), *cited)


def _worked_out(plan: CarePlan, request: PlanRequest) -> list[Number]:
    order = request.order
    dates = {order.order_date, *(goal.due for goal in plan.sections.goals)}
    dates.update(day for dose in request.doses for day in dose.dates)
    dates.update(day for visit in request.calendar for day in (visit.on, visit.again) if day is not None)
    found = [Number("date", float(day.strftime("%Y%m%d")), day.isoformat()) for day in dates]
    counts = (len(order.medication_history), len(request.gaps), request.age)
    found += [Number("", float(count), str(count)) for count in counts]
    found.append(Number("time", request.age * 525600.0, str(request.age)))
    if order.patient.weight_kg is not None:
        found.append(Number("weight", order.patient.weight_kg, f"{order.patient.weight_kg:g}"))
    for dose in request.doses:
        factor = 1000.0 if dose.step.unit == "g" else 1.0
        for value in (dose.amount, dose.per_day):
            if value is not None:
                found.append(Number("mass", float(amount(value)) * factor, amount(value)))
        for days in (len(dose.dates), dose.step.divided_over_days or 0):
            found += [Number("", float(days), str(days)), Number("time", days * 1440.0, str(days))]
    found += [
        number
        for item in request.checklist
        if item.id.startswith(("dose:", "weight:"))
        for number in numbers_in(fold(item.what))
    ]
    return found


def arithmetic_is_right(look: Look) -> list[str]:
    """G4: a product of dose and weight is right, in kilograms, with the order's weight; without a weight there is none."""
    reasons: list[str] = []
    if "/kg" not in look.low or "=" not in look.low:
        return reasons
    request = look.request
    for where, text in look.own:
        for per_kg, unit, weight, weight_unit, total, total_unit in _PRODUCT.findall(fold(text)):
            ours = request.order.patient.weight_kg
            right = float(per_kg) * float(weight) * (1000 if unit == "g" else 1) / (1000 if total_unit == "g" else 1)
            if ours is None:
                reasons.append(f"{where}: a dose was computed without a weight")
            elif weight_unit not in ("kg", "") or abs(float(weight) - ours) > ours * _ARITHMETIC_TOLERANCE:
                reasons.append(f"{where}: a dose was computed with another weight than the order's")
            elif abs(float(total.replace(",", "")) - right) > right * _ARITHMETIC_TOLERANCE:
                reasons.append(f"{where}: a dose was computed wrongly")
    return reasons


def names_are_known(look: Look) -> list[str]:
    """G9: no medicine is named that is not in the order, the records, the drug's own facts or the rescue list."""
    lexicon, guide = look.request.library.lexicon, look.request.guide
    allowed = lexicon.support | guide.names if guide is not None else lexicon.support
    foreign = lexicon.names_in(look.own_words, but=allowed)
    if foreign:
        records = look.request.case.records.low
        foreign = frozenset(name for name in foreign if name not in look.given and name not in records)
    return [
        f"{where}: a medicine is named that is neither in the order nor in the drug's facts"
        for where, text in (look.own if foreign else ())
        if not foreign.isdisjoint(lexicon.names_in(text))
    ]


def codes_are_the_orders(look: Look) -> list[str]:
    """G2: no diagnosis code but the order's, and no code of another system: none was given to us."""
    order = look.request.order
    allowed = {order.primary_diagnosis, *order.additional_diagnoses}
    wrong = {
        code for code in _CODE.findall(look.own_words) if code not in allowed and code not in order.patient_records
    }
    wrong |= {system for system in _SYSTEMS if system in look.own_words}
    return [
        f"{where}: a code that is not the order's" for where, text in look.own if any(code in text for code in wrong)
    ]


def nothing_leaks(look: Look) -> list[str]:
    """G10: nothing of the prompt, and nothing that was written for a machine, is in the plan."""
    quoted = fold("\n".join(c.quote for c in look.plan.citations if c.kind == "record"))
    if not any(phrase in look.low or phrase in quoted for phrase in _FOREIGN):
        return []
    return ["plan: it holds text that is addressed to or comes from a machine"]
