"""A partner's JSON, read by taking its fields out: what nobody took is what we do not know."""

from typing import Any

from services.intake.domain.draft import Draft, Field


class JsonObject:
    """One object at its place, each field taken once. An absent one, or another type (a fault), is an empty one."""

    __slots__ = ("_all", "_left", "_prefix", "draft", "place")

    # The document is taken apart in place: nobody else has it.
    def __init__(self, value: Any, draft: Draft, place: str = "", everything: "list[JsonObject] | None" = None) -> None:
        self._left: dict[str, Any] = value if isinstance(value, dict) else {}
        if value is not None and not isinstance(value, dict):
            draft.fault(place, "TYPE", "This is a JSON object.")
        self.draft, self.place = draft, place
        self._prefix = f"{place}." if place else ""
        self._all = [] if everything is None else everything
        self._all.append(self)

    def at(self, key: str) -> Field:
        return Field(self._prefix + key, self._left.pop(key, None))

    def object(self, key: str) -> "JsonObject":
        place, value = self.at(key)
        return JsonObject(value, self.draft, place, self._all)

    def entries(self, key: str) -> list[Field]:
        """The entries of a list at their places, `key.0` …"""
        place, value = self.at(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.draft.fault(place, "TYPE", "This is a JSON list.")
            return []
        return [Field(f"{place}.{index}", entry) for index, entry in enumerate(value)]

    def objects(self, key: str) -> "list[JsonObject]":
        return [JsonObject(value, self.draft, place, self._all) for place, value in self.entries(key)]

    def unknown(self) -> list[str]:
        """The places that nobody took, in the whole document. Asked last: the parts are let go, or they would hold each
        other and the document until the garbage collector came.
        """
        left = [part for part in self._all if part._left]  # noqa: SLF001 (its own kind)
        self._all.clear()
        return [part._prefix + key for part in left for key in part._left]  # noqa: SLF001
