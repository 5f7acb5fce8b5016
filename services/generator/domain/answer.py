"""What a language model must return, and nothing else: its JSON form and its parser.

Ids that a model gives to problems ("P1") are only for its own `addresses`; the plan's ids are given by `assemble`.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from schemas.careplan import Category, Severity
from services.generator.domain.evidence import STRICT, Evidence, Said

_MOST_REASONS = 20


class BadAnswer(ValueError):
    """The answer cannot become a plan. `reasons` go back to the model, and hold nothing of a patient's."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{len(reasons)} reasons")
        self.reasons = reasons[:_MOST_REASONS]


@dataclass(slots=True)
class ProblemItem:
    __pydantic_config__ = STRICT
    id: Annotated[str, Field(min_length=1, description="P1, P2 …: unique, for `addresses`")]
    text: Said
    category: Category
    severity: Severity
    medication: str | None
    evidence: tuple[Evidence, ...]
    checklist: Annotated[tuple[str, ...], Field(description="ids of the checklist items that this problem answers")]


@dataclass(slots=True)
class GoalItem:
    __pydantic_config__ = STRICT
    text: Said
    measure: Said
    target: Annotated[str, Field(min_length=1, description="a value with its unit, never only 'improve'")]
    due: Annotated[date, Field(strict=False)]
    addresses: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class InterventionItem:
    __pydantic_config__ = STRICT
    text: Said
    when: Said
    by: Said
    addresses: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class MonitoringItem:
    __pydantic_config__ = STRICT
    text: Said
    test: Said
    first: Said
    interval: Said
    threshold: Said
    action: Said
    responsible: Said
    addresses: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class Answer:
    __pydantic_config__ = STRICT
    problem_list: tuple[ProblemItem, ...]
    goals: tuple[GoalItem, ...]
    interventions: tuple[InterventionItem, ...]
    monitoring: tuple[MonitoringItem, ...]
    gaps: Annotated[tuple[str, ...], Field(description="only what is missing beyond the gaps that were given")]
    handout: Said


_ANSWER = TypeAdapter(Answer)


def parse_answer(text: str) -> Answer:
    """The model's text as an answer; BadAnswer says everything that is wrong with its form."""
    try:
        return _ANSWER.validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise BadAnswer(tuple(_fault(fault["loc"], fault["type"]) for fault in faults)) from None


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def _fault(loc: tuple[int | str, ...], kind: str) -> str:
    # Type and place only: pydantic's message may repeat the input. An unknown field's name is the model's own text.
    place = ".".join(str(part) for part in (loc[:-1] if kind in _UNKNOWN else loc))
    return f"{place or 'the answer'}: {kind.replace('_', ' ')}"


# What structured output does not take, or what is noise in it.
_DROPPED = frozenset({"title", "default", "discriminator", "minLength", "maxLength", "minItems", "maxItems"})


@lru_cache(maxsize=1)
def answer_schema() -> dict[str, Any]:
    """The JSON schema of `Answer` in the dialect of structured output: closed objects, everything required."""
    schema = _plain(_ANSWER.json_schema())
    assert isinstance(schema, dict)
    return schema


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    named = {"properties", "$defs"}
    plain = {
        "anyOf" if key == "oneOf" else key: (
            {name: _plain(part) for name, part in value.items()} if key in named else _plain(value)
        )
        for key, value in node.items()
        if key not in _DROPPED
    }
    if plain.get("type") == "object":
        plain |= {"required": list(plain.get("properties", {})), "additionalProperties": False}
    return plain
