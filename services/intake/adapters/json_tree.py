"""A partner's JSON, read by taking its fields out: what nobody took is what we do not know."""

from collections.abc import Callable
from typing import Any

from services.intake.domain.draft import Draft, Found


class JsonObject:
    """One object at its place, each field taken once. An absent one, or another type (a fault), is an empty one."""

    __slots__ = ("_all", "_left", "_prefix", "draft", "place")

    # The document is taken apart in place: nobody else has it.
    def __init__(self, value: Any, draft: Draft, place: str = "", everything: "list[JsonObject] | None" = None) -> None:
        if not isinstance(value, dict):
            if value is not None:
                draft.fault(place, "TYPE", "This is a JSON object.")
            value = {}
        self._left: dict[str, Any] = value
        self.draft, self.place = draft, place
        self._prefix = f"{place}." if place else ""
        self._all = [] if everything is None else everything
        self._all.append(self)

    def at(self, key: str) -> Found:
        return self._prefix + key, self._left.pop(key, None)

    def put(self, name: str, key: str, convert: Callable[[Any], Any] | None = None) -> None:
        """Our field `name` is what stands here."""
        self.draft.put(name, self.at(key), convert)

    def object(self, key: str) -> "JsonObject":
        place, value = self.at(key)
        return JsonObject(value, self.draft, place, self._all)

    def entries(self, key: str) -> list[Found]:
        """The entries of a list at their places, `key.0` …"""
        place, value = self.at(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.draft.fault(place, "TYPE", "This is a JSON list.")
            return []
        return [(f"{place}.{index}", entry) for index, entry in enumerate(value)]

    def texts(self, *keys: str) -> list[str]:
        """What these fields say, of those that are there; another type than text is a fault."""
        said: list[str] = []
        for key in keys:
            value = self._left.pop(key, None)
            if isinstance(value, str):
                said.append(value)
            elif value is not None:
                self.draft.fault(self._prefix + key, "TYPE", "This is a text.")
        return said

    def objects(self, key: str) -> "list[JsonObject]":
        return [JsonObject(value, self.draft, place, self._all) for place, value in self.entries(key)]

    def unknown(self) -> list[str]:
        """The places that nobody took, in the whole document. Asked last: the parts are let go, or they would hold each
        other and the document until the garbage collector came.
        """
        left = [part for part in self._all if part._left]  # noqa: SLF001 (its own kind)
        self._all.clear()
        return [part._prefix + key for part in left for key in part._left]  # noqa: SLF001
