"""A partner's JSON, read by asking for its fields: what nobody asked for is what we do not know."""

from collections.abc import Iterator
from typing import Any

from services.intake.domain.draft import Draft, Field


class JsonObject:
    """One object at its place. An absent one, or a value of another type (a fault), is an empty one."""

    __slots__ = ("_asked", "_below", "_prefix", "draft", "place", "value")

    def __init__(self, value: Any, draft: Draft, place: str = "") -> None:
        if value is not None and not isinstance(value, dict):
            draft.fault(place, "TYPE", "This is a JSON object.")
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}
        self.draft, self.place = draft, place
        self._prefix = f"{place}." if place else ""
        self._asked: set[str] = set()
        self._below: list[JsonObject] = []

    def at(self, key: str) -> Field:
        self._asked.add(key)
        return Field(self._prefix + key, self.value.get(key))

    def object(self, key: str) -> "JsonObject":
        place, value = self.at(key)
        return self._keep(JsonObject(value, self.draft, place))

    def entries(self, key: str) -> list[Field]:
        """The entries of a list at their places, `key.0` …"""
        place, value = self.at(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.draft.fault(place, "TYPE", "This is a JSON list.")
            return []
        return [Field(f"{place}.{index}", entry) for index, entry in enumerate(value)]

    def objects(self, key: str) -> list["JsonObject"]:
        return [self._keep(JsonObject(value, self.draft, place)) for place, value in self.entries(key)]

    def unknown(self) -> Iterator[str]:
        """The places nobody asked for, here and below."""
        if len(self.value) > len(self._asked) or not self._asked.issuperset(self.value):
            yield from (self._prefix + key for key in self.value if key not in self._asked)
        for below in self._below:
            yield from below.unknown()

    def _keep(self, below: "JsonObject") -> "JsonObject":
        self._below.append(below)
        return below
