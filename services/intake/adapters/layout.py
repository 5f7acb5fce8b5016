"""Where a partner's document has what: the table of its parts, as samples/README.md has it, read in one walk.

What the table does not list is what we do not know. The table is the same for JSON and XML; how to walk is not.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from services.intake.adapters.values import Convert
from services.intake.domain.draft import Draft, Found


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the table. `place` is what the partner calls it, with `[]` behind what may stand there many times.

    `field` is ours, where it is this value as it stands or converted; without one, the adapter makes something of it.
    """

    place: str
    field: str | None = None
    convert: Convert | None = None


class Said(dict[str, Any]):
    """What a document says, by place. Of what may stand there many times it has a list of `Found`; where such an entry
    has parts of its own, its value is a `Said` of them, by their places within the entry.
    """

    __slots__ = ("lead", "text")

    def __init__(self, lead: str = "") -> None:
        self.lead, self.text = lead, ""

    def at(self, place: str) -> Found:
        return self.lead + place, self.get(place)

    def every(self, place: str) -> list[Found]:
        return self.get(place) or []


class Node:
    """A part as the walk meets it: what is in it, by the key that the parsed document has for it."""

    __slots__ = ("attributes", "is_list", "lead", "parts", "place")

    def __init__(self, place: str) -> None:
        self.place, self.lead, self.is_list = place, "", False
        self.parts: dict[str, Node] = {}
        self.attributes: dict[str, Node] = {}


class Layout(ABC):
    """The table, made ready when the adapter is imported: every partner's order passes here."""

    separator: str

    def __init__(self, *parts: Part) -> None:
        self._top = Node("")
        for part in parts:
            self._add(part.place)
        fields = [(part.field, part.place, part.convert) for part in parts if part.field]
        self._values = [line for line in fields if not line[1].endswith("[]")]
        self._lists = [(field, place[:-2]) for field, place, _ in fields if place.endswith("[]")]

    def put(self, said: Said, draft: Draft) -> None:
        """Our fields that are one part of theirs each."""
        for field, place, convert in self._values:
            draft.put(field, (place, said.get(place)), convert)
        for field, place in self._lists:
            draft.put_all(field, said.every(place))

    def _add(self, place: str) -> None:
        node, lead = self._top, ""
        for written in self._names(place):
            name = written.removesuffix("[]")
            siblings, key = self._key(node, name)
            node = siblings.setdefault(key, Node(lead + name))
            node.is_list |= written != name
            # What is in an entry is called by its place within the entry.
            lead = node.lead = "" if node.is_list else f"{lead}{name}{self.separator}"

    def _names(self, place: str) -> list[str]:
        return place.split(self.separator)

    @abstractmethod
    def _key(self, within: Node, name: str) -> tuple[dict[str, Node], str]:
        """Among which parts of `within` that one is, and by which key."""
