"""Faults of a file in the words of whoever wrote it: the file, the fact, the field."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class KnowledgeError(ValueError):
    """The knowledge base cannot be used; the message names the file and, where there is one, the fact."""


def valid(model: type[M], raw: dict[str, Any], where: str, ids: list[str] | None = None) -> M:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(_fault(e["loc"], e["msg"], ids or []) for e in error.errors(include_input=False))
        raise KnowledgeError(f"{where}: {faults}") from error


def _fault(loc: tuple[int | str, ...], message: str, ids: list[str]) -> str:
    """`facts.3.monitoring.first` means little to the author of a file; the fact's id does."""
    if len(loc) > 1 and loc[0] == "facts" and isinstance(loc[1], int):
        loc = (ids[loc[1]] or f"fact number {loc[1] + 1}, without id", *loc[2:])
    return f"{': '.join(map(str, loc))}: {message}" if loc else message
