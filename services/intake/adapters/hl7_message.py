"""An HL7 v2 message: segments, fields, repetitions, components, by the separators that MSH declares.

By hand: the grammar is four separators, and the libraries for it add containers, leniency and exceptions of their own.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.intake.adapters.base import malformed
from services.intake.domain.draft import Field

_SEGMENT_ENDS = re.compile(r"\r\n|\r|\n")
_ENCODINGS = {"": "utf-8", "ASCII": "utf-8", "UNICODE UTF-8": "utf-8", "8859/1": "latin-1"}
_MOST_SEGMENTS = 5_000
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")


@dataclass(frozen=True, slots=True)
class Separators:
    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


@dataclass(slots=True, eq=False)
class Segment:
    """One segment; `place` is its name, with its number among those of that name where there are several."""

    name: str
    place: str
    fields: list[str]
    separators: Separators
    _resolve: Callable[[str], str]
    _asked: set[int] = field(default_factory=set)

    def raw(self, position: int) -> str:
        self._asked.add(position)
        return self.fields[position] if position < len(self.fields) else ""

    def texts(self, position: int) -> list[str]:
        """Each repetition as one text, escapes resolved: for fields that have no components."""
        return [self._resolve(repetition).strip() for repetition in self.repetitions(position)]

    def repetitions(self, position: int) -> list[str]:
        return self.raw(position).split(self.separators.repetition)

    def component(self, position: int, component: int, repetition: str | None = None) -> str:
        """The text of a component, its first subcomponent; of the first repetition, unless one is given."""
        raw = self.repetitions(position)[0] if repetition is None else repetition
        if not raw:
            return ""
        parts = raw.split(self.separators.component, component)
        part = parts[component - 1] if component <= len(parts) else ""
        return self._resolve(part.partition(self.separators.subcomponent)[0]).strip()

    def at(self, position: int, component: int | None = None) -> Field:
        """The value at its place: `PID-7`, or `DG1[2]-3.1` with a component."""
        place = f"{self.place}-{position}" + (f".{component}" if component else "")
        return Field(place, self.component(position, component or 1) or None)

    def unknown(self, known: frozenset[int]) -> Iterator[str]:
        """Fields that say something, which nobody asked for and which are not `known` to be of no concern."""
        for position, value in enumerate(self.fields):
            if value and position and position not in self._asked and position not in known and value.strip():
                yield f"{self.name}-{position}"


@dataclass(frozen=True)
class Message:
    segments: list[Segment]

    def all(self, *names: str) -> list[Segment]:
        return [segment for segment in self.segments if segment.name in names]

    def first(self, name: str) -> Segment:
        """The first of that name; an empty one where there is none."""
        return next(iter(self.all(name)), Segment(name, name, [name], self.segments[0].separators, str))


def parse_message(body: bytes) -> Message:
    """Raises InvalidInput (MALFORMED) for what has no MSH, is not in its character set, or is no list of segments."""
    separators = _separators(body)
    text = _decoded(body, separators)
    lines = [line for line in _SEGMENT_ENDS.split(text) if line]
    if len(lines) > _MOST_SEGMENTS:
        malformed(f"A message has at most {_MOST_SEGMENTS:,} segments.")
    resolve = _resolver(separators)
    split = [line.split(separators.field) for line in lines]
    if not all(_NAME.fullmatch(fields[0]) for fields in split):
        malformed("A segment does not begin with its name.")
    if sum(fields[0] == "MSH" for fields in split) > 1:
        malformed("There is more than one message.")
    # MSH-1 is the separator itself, which splitting has swallowed.
    split[0].insert(1, separators.field)
    return Message(list(_numbered(split, separators, resolve)))


def _numbered(split: list[list[str]], separators: Separators, resolve: Callable[[str], str]) -> Iterator[Segment]:
    count = Counter(fields[0] for fields in split)
    seen: Counter[str] = Counter()
    for fields in split:
        name = fields[0]
        seen[name] += 1
        yield Segment(name, f"{name}[{seen[name]}]" if count[name] > 1 else name, fields, separators, resolve)


def _separators(body: bytes) -> Separators:
    head = body[:9].decode("latin-1")
    marks = head[3:8]
    if not head.startswith("MSH") or len(head) < 9 or len(set(marks)) != 5 or head[8] != marks[0]:
        malformed("The body does not begin with an MSH segment and its five separators.")
    if any(mark.isalnum() or not mark.isprintable() or not mark.isascii() or mark == " " for mark in marks):
        malformed("The separators of MSH are not separators.")
    return Separators(*marks)


def _decoded(body: bytes, separators: Separators) -> str:
    head = re.split(rb"[\r\n]", body, maxsplit=1)[0].decode("latin-1").split(separators.field)
    name = head[17].split(separators.repetition)[0].strip() if len(head) > 17 else ""
    if name not in _ENCODINGS:
        malformed("The character set that MSH-18 names is not read here: send UNICODE UTF-8.", "MSH-18")
    try:
        text = body.decode(_ENCODINGS[name])
    except UnicodeDecodeError:
        malformed("The message is not in the character set that MSH-18 names.", "MSH-18")
    if "\0" in text:
        malformed("The message holds a NUL.")
    return text


def _resolver(separators: Separators) -> Callable[[str], str]:
    meanings = {
        "F": separators.field,
        "S": separators.component,
        "R": separators.repetition,
        "E": separators.escape,
        "T": separators.subcomponent,
        ".br": "\n",
    }
    mark = re.escape(separators.escape)
    sequence = re.compile(rf"{mark}([FSRET]|\.br){mark}")

    def resolve(text: str) -> str:
        return sequence.sub(lambda found: meanings[found[1]], text) if separators.escape in text else text

    return resolve
