"""A partner's namespaced XML, read by asking for its parts: what nobody asked for is what we do not know.

No DTD, so no entities and nothing fetched; few elements and little depth, so no tree that is larger than it looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from services.intake.adapters.base import malformed
from services.intake.domain.draft import Draft, Field

_SMALL = 64 * 1024
"""So little cannot hold more elements than are quickly read, and needs nobody to count them."""
_MOST_ELEMENTS, _DEEPEST = 20_000, 32
_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_PIECE = 64 * 1024


class _TooComplex(ValueError):
    pass


class _BoundedBuilder(TreeBuilder):
    _elements = _depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _TooComplex
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse_xml(body: bytes, root: str, namespace: str) -> Element:
    """The root element, `{namespace}root`. InvalidInput for anything else."""
    builder = TreeBuilder() if len(body) <= _SMALL else _BoundedBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        for start in range(0, len(body), _PIECE):
            parser.feed(body[start : start + _PIECE])
        element: Element = parser.close()
    except _TooComplex:
        malformed("The document has too many or too deeply nested elements.")
    except DefusedXmlException:
        malformed("The document has a DTD or entities of its own: neither is read here.")
    except (ParseError, LookupError, ValueError):  # LookupError, ValueError: an encoding that is none
        malformed("The body is not well-formed XML.")
    if element.tag != f"{{{namespace}}}{root}":
        malformed(f"The root element is not {root} of {namespace}.")
    return element


@dataclass(slots=True, eq=False)
class XmlElement:
    """One element at its place, or an absent one, which has no parts. `prefix` is what places call the namespace."""

    element: Element | None
    draft: Draft
    namespace: str
    prefix: str
    place: str = ""
    _asked: list[str] = field(default_factory=list)
    _below: list["XmlElement"] = field(default_factory=list)

    def attribute(self, name: str, place: str | None = None) -> Field:
        self._asked.append(f"@{name}")
        value = None if self.element is None else self.element.get(name)
        return Field(place or self._place_of(f"@{name}"), value)

    def text(self) -> Field:
        """All text in it, that inside elements we do not know included."""
        return Field(self.place, None if self.element is None else "".join(self.element.itertext()).strip())

    def child(self, name: str) -> "XmlElement":
        """The one element of that name; a second one is a fault, not a choice."""
        found = self._found(name)
        place = self._place_of(f"{self.prefix}:{name}")
        if len(found) > 1:
            self.draft.fault(place, "VALUE", "This element stands here more than once.")
        return self._keep(found[0] if found else None, place)

    def children(self, name: str) -> list["XmlElement"]:
        """All of that name, at places numbered from 1."""
        place = self._place_of(f"{self.prefix}:{name}")
        return [self._keep(element, f"{place}[{n}]") for n, element in enumerate(self._found(name), start=1)]

    def unknown(self) -> Iterator[str]:
        """The places nobody asked for, here and below."""
        waiting = [self]
        for here in waiting:
            if here.element is not None:
                yield from here._unknown_here()
            waiting += here._below

    def _unknown_here(self) -> Iterator[str]:
        assert self.element is not None
        for name in self.element.attrib:
            if f"@{name}" not in self._asked and not name.startswith(_SCHEMA_INSTANCE):
                yield self._place_of(f"@{name}")
        for child in self.element:
            if child.tag not in self._asked:
                yield self._place_of(child.tag.replace(f"{{{self.namespace}}}", f"{self.prefix}:"))

    def _found(self, name: str) -> list[Element]:
        tag = f"{{{self.namespace}}}{name}"
        self._asked.append(tag)
        return [] if self.element is None else self.element.findall(tag)

    def _keep(self, element: Element | None, place: str) -> "XmlElement":
        below = XmlElement(element, self.draft, self.namespace, self.prefix, place)
        self._below.append(below)
        return below

    def _place_of(self, part: str) -> str:
        return f"{self.place}/{part}" if self.place else part
