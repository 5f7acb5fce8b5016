"""A partner's JSON, read by asking for its fields: what nobody asked for is what we do not know."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.intake.domain.draft import Draft, Field


@dataclass(slots=True, eq=False)
class JsonObject:
    """One object at its place. An absent one, or a value of another type (a fault), is an empty one."""

    value: dict[str, Any]
    draft: Draft
    place: str = ""
    _asked: set[str] = field(default_factory=set)
    _below: list["JsonObject"] = field(default_factory=list)

    @classmethod
    def root(cls, value: Any, draft: Draft) -> "JsonObject":
        return cls._of(value, draft, "")

    @classmethod
    def _of(cls, value: Any, draft: Draft, place: str) -> "JsonObject":
        if value is not None and not isinstance(value, dict):
            draft.fault(place, "TYPE", "This is a JSON object.")
        return cls(value if isinstance(value, dict) else {}, draft, place)

    def at(self, key: str) -> Field:
        self._asked.add(key)
        return Field(self._place_of(key), self.value.get(key))

    def object(self, key: str) -> "JsonObject":
        found = self.at(key)
        return self._keep(self._of(found.value, self.draft, found.place))

    def entries(self, key: str) -> list[Field]:
        """The entries at their places, `key.0` …"""
        found = self.at(key)
        if found.value is None:
            return []
        if not isinstance(found.value, list):
            self.draft.fault(found.place, "TYPE", "This is a JSON list.")
            return []
        return [Field(f"{found.place}.{index}", entry) for index, entry in enumerate(found.value)]

    def objects(self, key: str) -> list["JsonObject"]:
        return [self._keep(self._of(entry.value, self.draft, entry.place)) for entry in self.entries(key)]

    def unknown(self) -> Iterator[str]:
        """The places nobody asked for, here and below."""
        yield from (self._place_of(key) for key in self.value if key not in self._asked)
        for below in self._below:
            yield from below.unknown()

    def _keep(self, below: "JsonObject") -> "JsonObject":
        self._below.append(below)
        return below

    def _place_of(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key
