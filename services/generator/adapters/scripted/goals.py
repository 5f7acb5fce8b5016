"""Goals that can be missed: a measure, a value, a date, and the problem that each answers."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache

from services.generator.adapters.scripted.outline import Outline
from services.generator.adapters.scripted.problems import (
    ADHERENCE,
    EFFECT,
    MEDICATION,
    OF_THE_DRUG,
    PRIMARY,
    RISKS,
    on_file,
    use_of,
)
from services.generator.domain.answer import GoalItem
from services.generator.domain.dose import ComputedDose
from services.generator.domain.evidence import FactRef, OrderField, RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.reading import term
from services.generator.domain.request import PlanRequest

FOLLOW_UP = re.compile(
    r"(?:follow[- ]?up|f/u|recheck|review|return)[^.\n]{0,24}?\b(\d{1,2}|one|two|three|four|six|eight|twelve)\s?"
    r"(weeks?|wks?|months?|mos?)\b"
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "eight": 8, "twelve": 12}
_VALUE = re.compile(r"\W{0,3}(?:of |is |was )?(\d{1,3}(?:,\d{3})+|\d{1,7}(?:\.\d{1,3})?)(\s?(?:L|%)(?![\w]))?")
_HIGHER_IS_BETTER = frozenset({"FVC", "ACT"})
_CURED = frozenset({"HCV RNA"})
_EFFECT_DAYS, _SAFETY_DAYS, _PAPERS_DAYS = 84, 30, 3


def goals(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> Iterator[GoalItem]:
    yield _effect(request, guide, plan, ids)
    yield _safety(request, guide, plan, ids)
    lab = _laboratory(request, guide, plan, ids)
    if lab is not None:
        yield lab
    if request.gaps:
        yield _papers(request, ids)
    yield _doses(request, guide, plan, ids)
    grave = decisions(request, ids)
    if grave is not None:
        yield grave


def decisions(request: PlanRequest, ids: Mapping[str, str]) -> GoalItem | None:
    """What is grave in this patient, and not in everybody who gets the drug, is decided before the first dose."""
    grave = [i for i in request.checklist if i.severity == "high" and not i.id.startswith(OF_THE_DRUG)]
    if not grave:
        return None
    return GoalItem(
        text="Each grave finding about this patient is decided with the prescriber before the first dose.",
        measure="grave findings without the prescriber's answer",
        target="0 open",
        due=request.order_date + timedelta(days=_PAPERS_DAYS),
        addresses=tuple(dict.fromkeys(ids[item.id] for item in grave)),
        evidence=(MEDICATION,),
    )


def follow_up(request: PlanRequest, plan: Outline) -> tuple[date, RecordQuote | None]:
    """The visit that the records announce; else when the knowledge base looks for the effect, or twelve weeks."""
    start, records = request.order_date, request.case.records
    found = FOLLOW_UP.search(records.low) if records.words & _FOLLOW_UP_WORDS else None
    if found is None:
        days = plan.effect.days_after_start if plan.effect and plan.effect.days_after_start else _EFFECT_DAYS
        return start + timedelta(days=days), None
    number = _NUMBERS.get(found[1]) or int(found[1])
    days = number * (7 if found[2].startswith("w") else 30)
    return start + timedelta(days=max(days, 1)), RecordQuote(quote=records.text[found.start() : found.end()])


_term = lru_cache(maxsize=64)(term)
_FOLLOW_UP_WORDS = frozenset({"follow", "followup", "f", "recheck", "review", "return"})


def _effect(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> GoalItem:
    use = use_of(request, guide)
    due, said = follow_up(request, plan)
    evidence: list[RecordQuote | FactRef | OrderField] = [PRIMARY] if said is None else [PRIMARY, said]
    if plan.effect is None:
        measure, target = f"flares, relapses and hospital visits for {use}", "0 by the due date"
    else:
        evidence.append(guide.refs[plan.effect.id])
        measure = plan.effect.test
        value = _value_on_file(request, plan.score)
        if plan.score in _CURED:
            target = f"0 IU/mL: no {plan.score} detectable"
        elif value is None:
            target = "1 value before dose 1, a better one by the due date, and 0 hospital visits for the disease"
        else:
            better = "at or above" if plan.score in _HIGHER_IS_BETTER else "below"
            target = f"{plan.score} {better} {value[0]} (the value on file), and 0 hospital visits for the disease"
            evidence.append(value[1])
    return GoalItem(
        text=f"{use} responds to {guide.drug.generic}.",
        measure=measure,
        target=target,
        due=due,
        addresses=(ids[EFFECT],),
        evidence=tuple(evidence),
    )


def _value_on_file(request: PlanRequest, score: str) -> tuple[str, RecordQuote] | None:
    records = request.case.records
    for place in records.places(_term(score)) if score else ():
        found = _VALUE.match(records.text, place.end)
        if found is not None:
            quote = records.text[place.start : found.end()]
            return f"{found[1]}{found[2] or ''}", RecordQuote(quote=quote)
    return None


def _safety(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> GoalItem:
    boxed = [fact for fact in guide.boxed if f"boxed:{fact.id}" in ids]
    if boxed:
        measure = "events of the boxed warnings, and reactions that stop a dose"
        addresses = tuple(ids[f"boxed:{fact.id}"] for fact in boxed)
        evidence = tuple(guide.refs[fact.id] for fact in boxed)
    else:
        measure = "serious adverse reactions, and reactions that stop a dose"
        addresses = (ids.get(RISKS) or ids[EFFECT],)
        evidence = tuple(guide.refs[fact.id] for fact in plan.other_risks)
    return GoalItem(
        text=f"The patient has no serious harm from {guide.drug.generic}.",
        measure=measure,
        target="0 events",
        due=request.order_date + timedelta(days=_SAFETY_DAYS),
        addresses=addresses,
        evidence=evidence,
    )


def _laboratory(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> GoalItem | None:
    """The first dated test after the start that has a baseline to be compared with."""
    for visit in request.calendar:
        baselines = plan.on_file_for.get(visit.fact.id, ())
        if visit.on is None or visit.on <= request.order_date or not baselines or visit.fact is plan.effect:
            continue
        quotes = on_file(request, baselines)
        known = f', compared with "{quotes[0].quote}"' if quotes else ""
        watched = [ids[f"boxed:{b}"] for b, monitors in plan.followed_by.items() if visit.fact.id in monitors]
        return GoalItem(
            text=f"The first follow-up of {visit.fact.test} is done and shows no harm.",
            measure=visit.fact.test,
            target=f"1 result on file{known}, with 0 of: {visit.fact.threshold}",
            due=visit.on,
            addresses=tuple(watched) or (ids.get(RISKS) or ids[EFFECT],),
            evidence=(guide.refs[visit.fact.id], *quotes[:1]),
        )
    return None


def _papers(request: PlanRequest, ids: Mapping[str, str]) -> GoalItem:
    count = len(request.gaps)
    with_gaps = tuple(ids[item.id] for item in request.checklist if item.gaps)
    return GoalItem(
        text="Everything that was missing from the order is known before the first dose.",
        measure='open entries under "Not provided"',
        target=f"0 of {count} open",
        due=request.order_date + timedelta(days=_PAPERS_DAYS),
        addresses=with_gaps or (ids[EFFECT],),
        evidence=(MEDICATION,),
    )


def _doses(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> GoalItem:
    course = next((dose for dose in request.doses if len(dose.dates) > 1), None)
    due, _ = follow_up(request, plan)
    if course is None:
        target = "0 missed doses"
    else:
        count, due = _count(course), max(course.dates)
        target = f"{count} of {count} doses given"
    return GoalItem(
        text=f"The patient gets {guide.drug.generic} as ordered.",
        measure="doses given, of doses due",
        target=target,
        due=due,
        addresses=(ids[ADHERENCE],),
        evidence=(MEDICATION,) if course is None else (MEDICATION, guide.refs[course.rule.id]),
    )


def _count(course: ComputedDose) -> int:
    return course.step.divided_over_days or len(course.dates)
