"""A partner's namespaced XML, read by taking its parts out: what nobody took is what we do not know.

No DTD, so no entities and nothing fetched; few elements and little depth, so no tree that is larger than it looks.
"""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from services.intake.adapters.base import malformed
from services.intake.domain.draft import Draft, Found

_SMALL = 64 * 1024
"""So little cannot hold more elements than are quickly read, and needs nobody to count them."""
_MOST_ELEMENTS, _DEEPEST = 20_000, 32
_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_PIECE = 64 * 1024


class _Refused(Exception):
    pass


class _Guarded(TreeBuilder):
    """Told of a DOCTYPE where it begins, before any entity in it is declared, and of every element.

    What defusedxml does, but with the parser in C: that one swaps in the parser in Python, which takes twice the time
    and leaves every document behind as a cycle for the garbage collector.
    """

    _elements = _depth = 0

    def doctype(self, _name: str, _public: str | None, _system: str | None, /) -> NoReturn:
        raise _Refused("The document has a DTD: none is read here.")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _Refused("The document has too many or too deeply nested elements.")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _needs_no_guard(body: bytes) -> bool:
    """It is small, and cannot hold a DTD: whatever encoding expat reads writes these words as ASCII does, but for UTF-16,
    which has a NUL in each of their letters.
    """
    return len(body) <= _SMALL and b"<!DOCTYPE" not in body and b"\0" not in body


def parse_xml(body: bytes, root: str, namespace: str) -> Element:
    """The root element, `{namespace}root`. InvalidInput for anything else."""
    # The standard parser, made safe as above: the tests hold it to the whole list of hostile documents. A builder that is
    # none of ours it never leaves C for.
    parser = XMLParser(target=TreeBuilder() if _needs_no_guard(body) else _Guarded())  # noqa: S314
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


class Spot(dict[str, "Spot"]):
    """A place that a partner's format has, and those in it by name: what they are called in the tree, `{namespace}Patient`,
    and in faults, `co:Patient`. Written when the adapter first asks for it, and never again, however many documents come.
    """

    __slots__ = ("mark", "place", "prefix", "tag")

    def __init__(self, mark: str, prefix: str, tag: str = "", place: str = "") -> None:
        self.mark, self.prefix, self.tag, self.place = mark, prefix, tag, place

    def __missing__(self, name: str) -> "Spot":
        place = f"{self.place}/{self.prefix}{name}" if self.place else self.prefix + name
        part = self[name] = Spot(self.mark, self.prefix, self.mark + name, place)
        return part


_NOTHING: dict[str, Any] = {}
"""What an absent element has: only ever read and popped from, so one serves all."""


class XmlElement:
    """One element that has parts, at its place, each part taken once; or an absent one, which has none.

    Written to be cheap, since every partner's order passes: it takes the tree apart in place, and makes nothing of an
    element that only says something.
    """

    __slots__ = ("_all", "_attributes", "_children", "_spot", "draft", "place")

    def __init__(
        self,
        element: Element | None,
        draft: Draft,
        spot: Spot,
        everything: "list[XmlElement] | None" = None,
    ) -> None:
        self.draft, self.place, self._spot = draft, spot.place, spot
        self._all = [] if everything is None else everything
        self._attributes: dict[str, str] = _NOTHING
        self._children: dict[str, list[Element]] = _NOTHING
        if element is None:
            return
        if element.keys():  # `attrib` would make a dictionary for each element that has none
            self._attributes = element.attrib
        if len(element):
            self._children = _by_tag(element)
        self._all.append(self)

    def put(self, name: str, part: str, convert: Callable[[Any], Any] | None = None) -> None:
        """Our field `name` is what the one element `part` says."""
        self.draft.put(name, self.text(part), convert)

    def put_attribute(self, name: str, attribute: str, convert: Callable[[Any], Any] | None = None) -> None:
        """Our field `name` is what stands in `attribute`."""
        self.draft.put(name, self.attribute(attribute), convert)

    def attribute(self, name: str, place: str | None = None) -> Found:
        return place or f"{self.place}/@{name}", self._attributes.pop(name, None)

    def child(self, name: str) -> "XmlElement":
        """The one element of that name; a second one is a fault, not a choice."""
        spot = self._spot[name]
        return XmlElement(self._one(spot), self.draft, spot, self._all)

    def text(self, name: str) -> Found:
        """What the one element of that name says."""
        spot = self._spot[name]
        element = self._one(spot)
        return spot.place, None if element is None else self._said(element, spot.place)

    def texts(self, name: str) -> list[Found]:
        return [(place, self._said(element, place)) for place, element in self._every(name)]

    def marked_text(self, name: str, attribute: str) -> tuple[Found, Found]:
        """What the one element of that name says, and its `attribute`: `<Weight unit="kg">72</Weight>`."""
        spot = self._spot[name]
        return self._marked(self._one(spot), spot.place, attribute)

    def marked_texts(self, name: str, attribute: str) -> list[tuple[Found, Found]]:
        return [self._marked(element, place, attribute) for place, element in self._every(name)]

    def unknown(self) -> list[str]:
        """The places that nobody took, in the whole document. Asked last: the parts are let go, or they would hold each
        other and the document until the garbage collector came.
        """
        left = [part for part in self._all if part._attributes or part._children]  # noqa: SLF001 (its own kind)
        self._all.clear()
        return [place for part in left for place in part._left()]  # noqa: SLF001

    def _one(self, spot: Spot) -> Element | None:
        found = self._children.pop(spot.tag, None)
        if found is None:
            return None
        if len(found) > 1:
            self.draft.fault(spot.place, "VALUE", "This element stands here more than once.")
        return found[0]

    def _every(self, name: str) -> list[tuple[str, Element]]:
        spot = self._spot[name]
        lead, every = f"{spot.place}[", self._children.pop(spot.tag, ())
        return [(f"{lead}{number}]", element) for number, element in enumerate(every, start=1)]

    def _marked(self, element: Element | None, place: str, attribute: str) -> tuple[Found, Found]:
        if element is None:
            return (place, None), (f"{place}/@{attribute}", None)
        written = element.attrib.pop(attribute, None)
        return (place, self._said(element, place)), (f"{place}/@{attribute}", written)

    def _said(self, element: Element, place: str) -> str:
        """All text in it, that inside elements we do not know included."""
        if len(element) or element.keys():
            # Nobody takes these parts: they are unknown.
            XmlElement(element, self.draft, Spot(self._spot.mark, self._spot.prefix, place=place), self._all)
            return "".join(element.itertext()).strip()
        return (element.text or "").strip()

    def _left(self) -> Iterator[str]:
        lead = f"{self.place}/" if self.place else ""
        for name in self._attributes:
            if not name.startswith(_SCHEMA_INSTANCE):
                yield f"{lead}@{name}"
        for tag, found in self._children.items():
            yield from [lead + tag.replace(self._spot.mark, self._spot.prefix)] * len(found)


def _by_tag(element: Element) -> dict[str, list[Element]]:
    children: dict[str, list[Element]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(child)
    return children
