"""Long records in pieces: what a model reads of them, each piece with its place, so that a quote from it can be found again."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from services.generator.domain.evidence import RecordQuote
from services.generator.domain.request import PlanRequest

LONG_RECORDS = 24_000
"""Up to here records are sent whole: nothing is left out that need not be."""
_MOST_SENT = 20_000
_PASSAGE, _LONGEST_PASSAGE = 500, 900
_BREAK = re.compile(r"\n\s*\n|\n|(?<=[.;!?])\s+")


class Passage(NamedTuple):
    """[start, end) of the records, in code points."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def passages_of(text: str) -> list[Passage]:
    """The whole text, cut where a sentence or a line ends; together they leave out nothing but white space."""
    return [passage for passage in _cut(text) if passage.of(text).strip()]


def _cut(text: str) -> Iterator[Passage]:
    start, end = 0, 0
    for stop in (*(found.end() for found in _BREAK.finditer(text)), len(text)):
        if stop - start > _PASSAGE and end > start:
            yield from _in_pieces(start, end)
            start = end
        end = stop
    yield from _in_pieces(start, end)


def _in_pieces(start: int, end: int) -> Iterator[Passage]:
    """A text without any break is cut wherever it must be."""
    for at in range(start, end, _LONGEST_PASSAGE):
        yield Passage(at, min(at + _LONGEST_PASSAGE, end))


def questions_about(request: PlanRequest) -> list[str]:
    """What has to be looked up in the records for this drug, in words: its tests, contraindications, interactions, its use."""
    order, guide = request.order, request.guide
    asked = [f"{order.medication}: indication, earlier treatment and response", "allergies and adverse reactions to medicines",
             "current medicines, doses and adherence", "weight, kidney function and liver function"]  # fmt: skip
    if guide is not None:
        asked += [f"{fact.test}: {', '.join(fact.terms[:6])}" for fact in guide.baselines]
        asked += [fact.text for fact in (*guide.boxed, *guide.contraindications)]
        asked += [f"takes {', '.join(fact.targets[:6])}" for fact in guide.interactions]
        asked += [fact.test for fact in guide.monitoring]
    return list(dict.fromkeys(asked))


def chosen(request: PlanRequest, ranked: Iterable[Sequence[Passage]]) -> tuple[Passage, ...]:
    """What is sent, in the order of the records: whatever the checklist quotes, then the best answers to each question in
    turn, as long as there is room.
    """
    text = request.order.patient_records
    every = passages_of(text)
    quoted = {piece.quote for item in request.checklist for piece in item.evidence if isinstance(piece, RecordQuote)}
    places = [(at, at + len(quote)) for quote in quoted if (at := text.find(quote)) >= 0]
    must = [p for p in every if any(p.start < end and start < p.end for start, end in places)]
    wanted = dict.fromkeys([*must, *every[:1], *in_turn(ranked)])
    kept, room = [], _MOST_SENT
    for passage in wanted:
        room -= passage.end - passage.start
        if room < 0 and passage not in must:
            break
        kept.append(passage)
    return tuple(sorted(kept))


def in_turn(ranked: Iterable[Sequence[Passage]]) -> Iterator[Passage]:
    """Everybody's first, everybody's second …"""
    lists = [list(found) for found in ranked]
    for place in range(max(map(len, lists), default=0)):
        yield from (found[place] for found in lists if place < len(found))
