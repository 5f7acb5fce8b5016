"""Reading free text without understanding it: whole words, sentences, denials and results.

Built to be cheap: a text is folded and split once, and everything else is a lookup in that.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

# ASCII letters and digits stay, and whatever is not ASCII; the rest separates words.
_SEPARATED = bytes(c if chr(c).isalnum() or c >= 128 else 32 for c in range(256))

_STOPS = (". ", ".\n", "; ", "? ", "! ")
_LONGEST_SENTENCE = 400
_DENIAL = re.compile(
    r"\b(?:no|not|non|never|none|denie[sd]|denying|without|negative for|free of|absence of|rule[sd]? out|neither|nor)\b"
)
_TURN = re.compile(
    r"\b(?:but|except|however|although|though|now|has|had|positive|takes|taking|started|develop\w*|who)\b"
)
_DENIED_AFTER = re.compile(
    r"[\s:=(-]{0,3}(?:is |was |were )?(?:negative|neg|none|absent|denied|resolved|excluded|ruled out)\b"
)
_KIN = re.compile(r"\b(?:mother|father|brother|sister|parent|aunt|uncle|grand\w+|family|maternal|paternal)\b")
_PAST = re.compile(
    r"\b(?:stop\w*|failed|fail\w*|discontinu\w*|previous\w*|prior|former\w*|intoleran\w*|allerg\w*|held|off|past|ended|"
    r"switched from|inadequate response)\b"
)
_NEGATIVE = re.compile(r"\b(?:negative|neg|non-?\s?reactive|not detected|undetect\w*|none detected|absent)\b|\(-\)")
_POSITIVE = re.compile(r"\b(?:positive|pos|reactive|detected|detectable)\b|\(\+\)|^\s*\+")
_VALUE = re.compile(
    r"\d|\b(?:positive|pos|negative|neg|normal|reactive|nonreactive|detected|within|wnl|in range|unremarkable|stable|low|high)\b"
)
_TO_A_MACHINE = re.compile(
    r"\b(?:ignore|disregard|forget)\b[^.\n]{0,40}\b(?:instruction|prompt|above|previous|rule)|system prompt|"
    r"\byou are (?:now|an? (?:ai|assistant|language))|\bas an ai\b|<\s*/?\s*system|\b(?:assistant|system)\s*:\s",
)
_MACHINE_WORDS = frozenset({"ignore", "disregard", "forget", "prompt", "ai"})
_MACHINE_PHRASES = ("you are now", "you are a", "system:", "assistant:", "<system", "< system")
_LONGEST_QUOTE = 200
_MOST_PLACES = 40

Result = Literal["positive", "negative"]


class Term(NamedTuple):
    """Something to look for, as whole words; `words` is what must be in the text before a search is worth it."""

    text: str
    words: frozenset[str]


class Place(NamedTuple):
    start: int
    end: int


def fold(text: str) -> str:
    """Lower case, position by position: offsets into the folded text are offsets into the text."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def words_of(folded: str) -> frozenset[str]:
    # Through bytes: five times as fast as a regular expression, and every order's records come through here.
    return frozenset(folded.encode("latin-1", "replace").translate(_SEPARATED).decode("latin-1").split())


def term(text: str) -> Term:
    low = fold(" ".join(text.split()))
    return Term(low, words_of(low))


class Reading:
    """A text, read once. Sentences that address a machine are never evidence of anything."""

    __slots__ = ("_to_a_machine", "low", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.low = fold(text).replace("\n", " ")
        self.words = words_of(self.low)
        self._to_a_machine: tuple[Place, ...] | None = None

    def places(self, wanted: Term) -> Iterator[Place]:
        """Where it stands as whole words, first to last; not in sentences that address a machine."""
        if not wanted.words <= self.words:
            return
        low, text = self.low, wanted.text
        size, start = len(text), low.find(text)
        for _ in range(_MOST_PLACES):
            if start < 0:
                return
            end = start + size
            if self._stands_alone(start, end) and not self._addresses_a_machine(start):
                yield Place(start, end)
            start = low.find(text, end)

    def has(self, wanted: Term) -> bool:
        """Whether it stands there at all, as whole words."""
        if not wanted.words <= self.words:
            return False
        start = self.low.find(wanted.text)
        while start >= 0:
            if self._stands_alone(start, start + len(wanted.text)):
                return True
            start = self.low.find(wanted.text, start + 1)
        return False

    def _stands_alone(self, start: int, end: int) -> bool:
        low = self.low
        return not (start and low[start - 1].isalnum() and low[start].isalnum()) and not (
            end < len(low) and low[end].isalnum() and low[end - 1].isalnum()
        )

    # ── sentences ──────────────────────────────────────────────────────────────────────────────────────────────

    def sentence(self, start: int) -> Place:
        """The sentence or line around it; a line that goes on in lower case is wrapped, not ended."""
        text = self.text
        lowest, highest = max(0, start - _LONGEST_SENTENCE), min(len(text), start + _LONGEST_SENTENCE)
        begin = max([lowest, *[at + 2 for at in [text.rfind(stop, lowest, start) for stop in _STOPS] if at >= 0]])
        line = text.rfind("\n", begin, start)
        while line >= 0 and text[line + 1 : line + 2].islower():
            line = text.rfind("\n", begin, line)
        ends = [at + 1 for at in [text.find(stop, start, highest) for stop in _STOPS] if at >= 0]
        end = min(ends, default=highest)
        other = text.find("\n", start, end)
        while other >= 0 and text[other + 1 : other + 2].islower():
            other = text.find("\n", other + 1, end)
        return Place(max(begin, line + 1), end if other < 0 else other)

    def quote(self, place: Place) -> str:
        """The sentence around it, or as much of it around the place as a reader needs."""
        begin, end = self.sentence(place.start)
        end = max(end, place.end)
        if end - begin > _LONGEST_QUOTE:
            comma = self.text.rfind(",", begin, place.start)
            begin = max(begin, comma + 1, place.start - _LONGEST_QUOTE // 2)
            begin = self._at_a_word(begin)
            comma = self.text.find(",", place.end, end)
            end = min(comma if comma >= 0 else end, max(begin + _LONGEST_QUOTE, place.end))
        return self.text[begin:end].strip(" \n\t\r.;,")

    def _clause_end(self, place: Place) -> int:
        end = max(self.sentence(place.start).end, place.end)
        comma = self.text.find(",", place.end, end)
        # "1,200" is one number.
        while comma >= 0 and self.text[comma - 1 : comma].isdigit() and self.text[comma + 1 : comma + 2].isdigit():
            comma = self.text.find(",", comma + 1, end)
        return min(comma if comma >= 0 else end, place.end + _LONGEST_QUOTE)

    def _at_a_word(self, start: int) -> int:
        while 0 < start < len(self.text) and self.text[start - 1].isalnum() and self.text[start].isalnum():
            start += 1
        return start

    # ── what is said of it ─────────────────────────────────────────────────────────────────────────────────────

    def denied(self, place: Place) -> bool:
        """The sentence denies it, or tells it of a relative."""
        before = self.low[self.sentence(place.start).start : place.start]
        denial = None
        for denial in _DENIAL.finditer(before):  # noqa: B007 (the last one counts)
            pass
        if denial is not None and not _TURN.search(before, denial.end()):
            return True
        return bool(_KIN.search(before)) or bool(_DENIED_AFTER.match(self.low, place.end))

    def past(self, place: Place) -> bool:
        """The sentence speaks of something that has ended, failed or was not tolerated."""
        begin, end = self.sentence(place.start)
        return bool(_PAST.search(self.low, begin, min(end, place.end + 60)))

    def result(self, place: Place) -> Result | None:
        """Whether the test named there was positive or negative; None where the text does not say."""
        after = self.low[place.end : self._clause_end(place)]
        if not after.strip(" :=-"):
            after = self.low[place.end : self.sentence(place.start).end][:60]
        if _NEGATIVE.search(after):
            return "negative"
        if _POSITIVE.search(after):
            return "positive"
        before = self.low[max(0, place.start - 24) : place.start]
        if _NEGATIVE.search(before):
            return "negative"
        return "positive" if _POSITIVE.search(before) else None

    def result_at(self, place: Place) -> str | None:
        """The clause from the place on where it has a result in it: "creatinine 0.78 mg/dL", but not "CBC" alone."""
        end = self._clause_end(place)
        return self.text[place.start : end].strip(" \n\t\r.;,") if _VALUE.search(self.low, place.end, end) else None

    # ── text that is not for us ────────────────────────────────────────────────────────────────────────────────

    @property
    def addresses_a_machine(self) -> bool:
        return bool(self._machine_places())

    def _addresses_a_machine(self, start: int) -> bool:
        return any(begin <= start < end for begin, end in self._machine_places())

    def _machine_places(self) -> tuple[Place, ...]:
        if self._to_a_machine is None:
            # The pattern is dear and the words are rare in a record: most texts never see it.
            suspect = not _MACHINE_WORDS.isdisjoint(self.words) or any(
                phrase in self.low for phrase in _MACHINE_PHRASES
            )
            found = _TO_A_MACHINE.finditer(self.low) if suspect else ()
            self._to_a_machine = tuple(self.sentence(match.start()) for match in found)
        return self._to_a_machine
