"""Laboratory values of the records beyond a limit at which the drug is not started."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.facts import Baseline
from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Place, Term, term

_LIMIT = re.compile(r"\b(anc|neutrophils|platelets|lymphocytes|hemoglobin) (below|above) (\d[\d,]*(?:\.\d+)?)")
_VALUE = re.compile(r"\s?(?:count)?[\s:=]{0,3}(?:is |was |of )?(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s?(k\b|x\s?10)?")
_WITH_UPPER_LIMIT = re.compile(
    r"[\s:=]{0,3}(?:is |was |of )?(\d+(?:\.\d+)?)\s?(?:[a-z/µ]+/?[a-z]*)?\s?[(\[,;]?\s?uln:?\s?(\d+(?:\.\d+)?)[)\]]?"
)
_NAMES = {
    "anc": ("ANC", "absolute neutrophil count", "neutrophils"),
    "neutrophils": ("ANC", "absolute neutrophil count", "neutrophils"),
    "platelets": ("platelets", "platelet count", "plt"),
    "lymphocytes": ("ALC", "absolute lymphocyte count", "lymphocytes"),
    "hemoglobin": ("hemoglobin", "Hgb", "Hb"),
}
# Below these a count was written in thousands: nobody lives with 7 platelets or 1.1 lymphocytes a cubic millimetre.
_THOUSANDS_BELOW = {"anc": 50.0, "neutrophils": 50.0, "lymphocytes": 50.0, "platelets": 2000.0}


class Limit(NamedTuple):
    fact: Baseline
    names: tuple[Term, ...]
    below: bool
    value: float
    thousands_below: float


def limits_of(guide: Guide) -> tuple[Limit, ...]:
    """What the drug's baseline facts forbid in figures."""
    known = guide.memo.get("limits")
    if not isinstance(known, tuple):
        known = guide.memo["limits"] = tuple(
            Limit(
                fact, tuple(map(term, _NAMES[name])), side == "below", _number(value), _THOUSANDS_BELOW.get(name, 0.0)
            )
            for fact in guide.baselines
            for name, side, value in _LIMIT.findall(fact.do_not_start.lower())
        )
    return known


def beyond_limits(case: Case) -> Iterator[ChecklistItem]:
    """One item for each value that forbids the first dose; of several values of a test the first one written counts."""
    guide = case.guide
    if guide is None:
        return
    for limit in limits_of(guide):
        place = _beyond(case, limit)
        if place is None:
            continue
        quote = RecordQuote(quote=case.order.patient_records[place.start : place.end])
        yield ChecklistItem(
            id=f"limit:{limit.fact.id}:{limit.names[0].text}",
            severity="high",
            category="adverse_reaction",
            what=f'A value on file forbids the first dose of {guide.drug.generic}: "{quote.quote}". Not to be started with: '
            f"{limit.fact.do_not_start}.",
            action="Hold the first dose and call the prescriber with the value; ask for a repeat.",
            evidence=(quote, guide.refs[limit.fact.id]),
            medication=guide.drug.generic,
        )


def above_normal(case: Case) -> Iterator[ChecklistItem]:
    """A baseline value above the upper limit that the laboratory wrote beside it: "ALT 88 U/L (ULN 55)"."""
    guide = case.guide
    if guide is None or "uln" not in case.records.words:
        return
    for fact in guide.baselines:
        for wanted in guide.terms[fact.id]:
            place = next((p for p in (_above(case, at) for at in case.records.places(wanted)) if p is not None), None)
            if place is None:
                continue
            quote = RecordQuote(quote=case.order.patient_records[place.start : place.end])
            yield ChecklistItem(
                id=f"above:{fact.id}",
                severity="moderate",
                category="needs_additional_therapy",
                what=f'A baseline value is above normal: "{quote.quote}". {fact.why}',
                action=f"Tell the prescriber before the first dose, and ask whether {guide.drug.generic} waits and when "
                f"{fact.test} is repeated.",
                evidence=(quote, guide.refs[fact.id]),
                medication=guide.drug.generic,
            )
            break


def _above(case: Case, place: Place) -> Place | None:
    found = _WITH_UPPER_LIMIT.match(case.records.low, place.end)
    return Place(place.start, found.end()) if found and _number(found[1]) > _number(found[2]) else None


def _beyond(case: Case, limit: Limit) -> Place | None:
    for name in limit.names:
        for place in case.records.places(name):
            found = _VALUE.match(case.records.low, place.end)
            if found is None:
                continue
            value = _number(found[1])
            if value < limit.thousands_below or found[2]:
                value *= 1000
            wrong = value < limit.value if limit.below else value > limit.value
            return Place(place.start, found.end(1)) if wrong else None
    return None


def _number(text: str) -> float:
    return float(text.replace(",", ""))
