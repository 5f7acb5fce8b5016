"""A partner's JSON, by the table of its parts."""

from typing import Any

from services.intake.adapters.layout import Layout, Node, Said
from services.intake.domain.draft import Draft, Found


class JsonLayout(Layout):
    """Places are keys with dots between, `pt.chart_no`; the entries of the list `dx[]` are `dx.0`, `dx.1` …"""

    separator = "."

    def read(self, value: Any, draft: Draft) -> Said:
        """Puts the fields that are one part each, and returns all parts for the others. A wrong type is a fault."""
        said = Said()
        self._object(value, "", self._top, said, draft)
        self.put(said, draft)
        return said

    def _object(self, value: Any, place: str, node: Node, said: Said, draft: Draft) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                part = node.parts.get(key)
                if part is None:
                    draft.ignored.append(said.lead + node.lead + key)
                elif part.is_list:
                    said[part.place] = self._entries(item, said.lead + part.place, part, draft)
                elif part.parts:
                    self._object(item, said.lead + part.place, part, said, draft)
                else:
                    said[part.place] = item
        elif value is not None:
            draft.fault(place, "TYPE", "This is a JSON object.")

    def _entries(self, value: Any, place: str, node: Node, draft: Draft) -> list[Found]:
        if not isinstance(value, list):
            if value is not None:
                draft.fault(place, "TYPE", "This is a JSON list.")
            return []
        found = [(f"{place}.{index}", entry) for index, entry in enumerate(value)]
        return [(where, self._entry(entry, where, node, draft)) for where, entry in found] if node.parts else found

    def _entry(self, value: Any, place: str, node: Node, draft: Draft) -> Said:
        entry = Said(f"{place}.")
        self._object(value, place, node, entry, draft)
        return entry

    def _key(self, within: Node, name: str) -> tuple[dict[str, Node], str]:
        return within.parts, name
