"""A partner's namespaced XML, read by asking for its parts: what nobody asked for is what we do not know.

No DTD, so no entities and nothing fetched; few elements and little depth, so no tree that is larger than it looks.
"""

from collections.abc import Iterator
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from services.intake.adapters.base import malformed
from services.intake.domain.draft import Draft, Field

_SMALL = 64 * 1024
"""So little cannot hold more elements than are quickly read, and needs nobody to count them."""
_MOST_ELEMENTS, _DEEPEST = 20_000, 32
_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_PIECE = 64 * 1024


class _Refused(Exception):
    pass


class _WithoutDtd(TreeBuilder):
    """Told of a DOCTYPE where it begins, before any entity in it is declared.

    What defusedxml does, but with the parser in C: that one swaps in the parser in Python, which takes twice the time
    and leaves every document behind as a cycle for the garbage collector.
    """

    def doctype(self, _name: str, _public: str | None, _system: str | None, /) -> NoReturn:
        raise _Refused("The document has a DTD: none is read here.")


class _Bounded(_WithoutDtd):
    _elements = _depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _Refused("The document has too many or too deeply nested elements.")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse_xml(body: bytes, root: str, namespace: str) -> Element:
    """The root element, `{namespace}root`. InvalidInput for anything else."""
    # The standard parser, made safe as above: the tests hold it to the whole list of hostile documents.
    parser = XMLParser(target=_WithoutDtd() if len(body) <= _SMALL else _Bounded())  # noqa: S314
    try:
        for start in range(0, len(body), _PIECE):
            parser.feed(body[start : start + _PIECE])
        element: Element = parser.close()
    except _Refused as refusal:
        malformed(str(refusal))
    except (ParseError, LookupError, ValueError):  # LookupError, ValueError: an encoding that is none
        malformed("The body is not well-formed XML.")
    if element.tag != f"{{{namespace}}}{root}":
        malformed(f"The root element is not {root} of {namespace}.")
    return element


class XmlElement:
    """One element at its place, or an absent one, which has no parts. `prefix` is what places call the namespace."""

    # Some twenty are made for each order: written out, they cost a third of what a dataclass does.
    __slots__ = ("_asked", "_below", "_mark", "_prefix", "draft", "element", "place")

    def __init__(self, element: Element | None, draft: Draft, namespace: str, prefix: str, place: str = "") -> None:
        self.element, self.draft, self.place = element, draft, place
        self._mark, self._prefix = f"{{{namespace}}}", f"{prefix}:"
        self._asked: list[str] = []
        self._below: list[XmlElement] = []

    def attribute(self, name: str, place: str | None = None) -> Field:
        self._asked.append(name)
        value = None if self.element is None else self.element.get(name)
        return Field(place or f"{self.place}/@{name}", value)

    def text(self) -> Field:
        """All text in it, that inside elements we do not know included."""
        element = self.element
        if element is None:
            return Field(self.place, None)
        text = "".join(element.itertext()) if len(element) else element.text or ""
        return Field(self.place, text.strip())

    def child(self, name: str) -> "XmlElement":
        """The one element of that name; a second one is a fault, not a choice."""
        found, place = self._found(name)
        if len(found) > 1:
            self.draft.fault(place, "VALUE", "This element stands here more than once.")
        return self._keep(found[0] if found else None, place)

    def children(self, name: str) -> list["XmlElement"]:
        """All of that name, at places numbered from 1."""
        found, place = self._found(name)
        return [self._keep(element, f"{place}[{number}]") for number, element in enumerate(found, start=1)]

    def unknown(self) -> Iterator[str]:
        """The places nobody asked for, here and below."""
        if self.element is None:
            return
        for name in self.element.attrib:
            if name not in self._asked and not name.startswith(_SCHEMA_INSTANCE):
                yield self._place_of(f"@{name}")
        for child in self.element:
            if child.tag not in self._asked:
                yield self._place_of(child.tag.replace(self._mark, self._prefix))
        for below in self._below:
            yield from below.unknown()

    def _found(self, name: str) -> tuple[list[Element], str]:
        tag = self._mark + name
        self._asked.append(tag)
        return ([] if self.element is None else self.element.findall(tag)), self._place_of(self._prefix + name)

    def _keep(self, element: Element | None, place: str) -> "XmlElement":
        below = XmlElement.__new__(XmlElement)
        below.element, below.draft, below.place = element, self.draft, place
        below._mark, below._prefix = self._mark, self._prefix  # noqa: SLF001 (its own kind)
        below._asked, below._below = [], []  # noqa: SLF001
        if element is not None:
            self._below.append(below)
        return below

    def _place_of(self, part: str) -> str:
        return f"{self.place}/{part}" if self.place else part
