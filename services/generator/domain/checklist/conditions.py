"""Diseases that speak against the drug, found in the diagnoses or in the records."""

import re
from collections.abc import Iterator

from knowledge.facts import Contraindication
from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import OrderField, RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Place, Term

_NUMBER = re.compile(r"[\s:=of]{0,4}(\d{2,4})")
_ONLY_A_TOPIC = re.compile(
    r"\s+(?:tests?|testing|status|prevention|screen\w*|plan\w*|potential|risk|vaccin\w*|prophylaxis)\b"
)
_RESULT_WORDS = frozenset({"positive", "reactive"})
_PROLONGED_QTC_MS = 500


def contraindications(case: Case) -> Iterator[ChecklistItem]:
    """A contraindication or caution whose condition the patient has: always high, since it asks for a decision."""
    guide = case.guide
    if guide is None:
        return
    for fact in guide.contraindications:
        # Hepatitis B has a rule of its own, which reads results.
        if fact.matches != "condition" or fact.id in guide.on_hepatitis_b:
            continue
        found = _found(case, guide, fact)
        if found is not None:
            yield ChecklistItem(
                id=f"condition:{fact.id}",
                severity="high",
                category="adverse_reaction",
                what=f"{'Contraindication' if fact.absolute else 'Caution'} for {guide.drug.generic}: {fact.text} "
                f"The patient's data name {found[0]}.",
                action=fact.action,
                evidence=(guide.refs[fact.id], *found[1]),
                medication=guide.drug.generic,
            )


def _found(case: Case, guide: Guide, fact: Contraindication) -> tuple[str, tuple[OrderField | RecordQuote, ...]] | None:
    for wanted in guide.terms[fact.id]:
        if not wanted.words <= case.words:
            continue
        for reading, where in case.coded:
            for place in reading.places(wanted):
                return reading.text[place.start : place.end], (where, *case.quotes_of(wanted))
        for medicine in case.medicines:
            if wanted.words <= medicine.reading.words and not medicine.ended and medicine.reading.has(wanted):
                return medicine.text, (medicine.evidence, *case.quotes_of(wanted))
        found = _in_records(case, wanted)
        if found is not None:
            return case.order.patient_records[found.start : found.end], (case.quote(found),)
    return None


def _in_records(case: Case, wanted: Term) -> Place | None:
    """Where the records say that it is so: not denied, and not only the name of a test."""
    for place in case.records.places(wanted):
        if case.records.denied(place) or _ONLY_A_TOPIC.match(case.records.low, place.end):
            continue
        if wanted.words & _RESULT_WORDS or not _is_a_normal_value(case, wanted, place):
            return place
    return None


def _is_a_normal_value(case: Case, wanted: Term, place: Place) -> bool:
    if wanted.text != "qtc":
        return False
    number = _NUMBER.match(case.records.low, place.end)
    return number is None or int(number[1]) < _PROLONGED_QTC_MS
