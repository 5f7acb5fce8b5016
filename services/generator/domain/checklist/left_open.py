"""What the records themselves call open: a confirmation awaited, a result or a vaccine still to come, a decision not taken."""

from collections.abc import Iterator, Sequence
from itertools import islice

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import RecordQuote
from services.generator.domain.reading import term

_OPEN = tuple(map(term, ("not yet", "pending", "awaited", "still outstanding", "not started", "not decided")))
_MOST = 3


def left_open(case: Case, found: Sequence[ChecklistItem]) -> Iterator[ChecklistItem]:
    """One item for all of it that no finding quotes yet. Needs no drug facts: without them nothing else asks."""
    said = [piece.quote for item in found for piece in item.evidence if isinstance(piece, RecordQuote)]
    places = (place for wanted in _OPEN for place in islice(case.records.places(wanted), _MOST))
    quotes = dict.fromkeys(case.quote(place) for place in places)
    new = [q for q in quotes if not any(q.quote in other or other in q.quote for other in said)][:_MOST]
    if new:
        quoted = "; ".join(f'"{quote.quote}"' for quote in new)
        yield ChecklistItem(
            id="open:records",
            severity="moderate",
            category="needs_additional_therapy",
            what=f"The records leave something open: {quoted}.",
            action="Ask what has come of it since, and have it settled before the first dose.",
            evidence=tuple(new),
            medication=case.guide.drug.generic if case.guide else case.order.medication,
        )
