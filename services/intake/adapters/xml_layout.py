"""A partner's namespaced XML, by the table of its parts.

No DTD, so no entities and nothing fetched; few elements and little depth, so no tree that is larger than it looks.
"""

from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from services.intake.adapters.base import malformed
from services.intake.adapters.layout import Layout, Node, Part, Said
from services.intake.domain.draft import Draft

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


class XmlLayout(Layout):
    """Places are paths below the root, `co:Patient/@medicalRecordNumber`, with the one prefix that stands for the format's
    namespace, whatever prefix a document declares; an attribute of the root is `/co:CareOrder/@date`. The entries of
    `co:Entry[]` are `co:Entry[1]`, `co:Entry[2]` …
    """

    separator = "/"

    def __init__(self, root: str, namespace: str, prefix: str, *parts: Part) -> None:
        self.root, self.namespace = root, namespace
        self._mark, self._prefix = f"{{{namespace}}}", f"{prefix}:"
        super().__init__(*parts)

    def parse(self, body: bytes) -> Element:
        return parse_xml(body, self.root, self.namespace)

    def read(self, root: Element, draft: Draft) -> Said:
        """Puts the fields that are one part each, and returns all parts for the others."""
        said = Said()
        self._element(root, self._top, said, draft)
        self.put(said, draft)
        return said

    def _element(self, element: Element, node: Node, said: Said, draft: Draft) -> str:
        """Takes it apart into `said`, and returns what it says itself: all text in it, that in what we do not know included."""
        if element.keys():  # `attrib` would make a dictionary for each element that has none
            self._attributes(element, node, said, draft)
        if not len(element):
            return (element.text or "").strip()
        for child in element:
            part = node.parts.get(child.tag)
            if part is None:
                draft.ignored.append(said.lead + node.lead + child.tag.replace(self._mark, self._prefix))
            elif part.is_list:
                self._entry(child, part, said, draft)
            elif part.place in said:
                draft.fault(said.lead + part.place, "VALUE", "This element stands here more than once.")
            else:
                said[part.place] = self._element(child, part, said, draft)
        return "" if node.parts else "".join(element.itertext()).strip()

    def _entry(self, element: Element, node: Node, said: Said, draft: Draft) -> None:
        entries = said.setdefault(node.place, [])
        place = f"{said.lead}{node.place}[{len(entries) + 1}]"
        entry = Said(f"{place}/")
        entry.text = self._element(element, node, entry, draft)
        entries.append((place, entry if node.parts or node.attributes else entry.text))

    def _attributes(self, element: Element, node: Node, said: Said, draft: Draft) -> None:
        for name, written in element.items():
            part = node.attributes.get(name)
            if part is not None:
                said[part.place] = written
            elif not name.startswith(_SCHEMA_INSTANCE):
                draft.ignored.append(f"{said.lead}{node.lead}@{name}")

    def _names(self, place: str) -> list[str]:
        return [place] if place.startswith("/") else super()._names(place)

    def _key(self, within: Node, name: str) -> tuple[dict[str, Node], str]:
        if "@" in name:
            return within.attributes, name.rpartition("@")[2]
        return within.parts, self._mark + name.removeprefix(self._prefix)
