"""Medicines that only the records name: whoever reconciles the list has to ask about them."""

from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.evidence import RecordQuote
from services.generator.domain.reading import term

_MOST = 8


def unlisted_medicines(case: Case) -> tuple[tuple[str, RecordQuote], ...]:
    """Each with its sentence, in alphabetical order; not what the records deny, tell of the past or give around a dose."""
    return tuple(_unlisted(case))[:_MOST]


def _unlisted(case: Case) -> Iterator[tuple[str, RecordQuote]]:
    records, guide = case.records, case.guide
    named = case.library.lexicon.medicine_words(records.words) - case.history_words - case.medication.words
    if guide is not None:
        named -= guide.own_index.words | guide.premedication_names
    # Sorted, so that the same order gives the same plan in every process.
    for name in sorted(named):
        place = next(records.places(term(name)), None)
        if place is not None and not records.denied(place) and not records.past(place):
            yield name, case.quote(place)
