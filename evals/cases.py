"""The cases: what was ordered, and what a good plan for it says and does not say."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

import knowledge
from knowledge.base import KnowledgeBase
from schemas.careplan import Category, Severity
from schemas.order import Order

DATASET = Path(__file__).parent / "dataset.jsonl"
LABEL = "synthetic, written without a clinician, not validated"

Synonyms = tuple[tuple[str, ...], ...]
"""Alternatives; of each, all words have to stand in one and the same problem."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectedProblem(Strict):
    """`planted` marks what the case was made for: a gate, not only points. `action_says`: one of these words, in an action;
    `record_says`: what a quote from the records has to hold.
    """

    id: str
    severity: Severity
    categories: tuple[Category, ...] = Field(min_length=1)
    synonyms: Synonyms = Field(min_length=1)
    planted: bool
    action_says: tuple[str, ...] = ()
    record_says: str | None = None


class UnwantedProblem(Strict):
    """What the records deny, tell of a relative, or do not make a problem of."""

    id: str
    synonyms: Synonyms


class ForbiddenClaim(Strict):
    """A regular expression that no text of the plan may match, and the gate that fails where one does."""

    id: str
    pattern: str
    why: str
    gate: Literal["G2", "G3", "G4", "G7", "G10"]


class Case(Strict):
    """`expected_monitoring` are fact ids: the knowledge base's schedule is the key. `missing` and `on_file` are parts of names."""

    id: str
    label: Literal["synthetic, written without a clinician, not validated"]
    split: Literal["dev", "held_out"]
    tags: tuple[str, ...]
    drug: str | None
    order: Order
    expected_dtps: tuple[ExpectedProblem, ...]
    unwanted_dtps: tuple[UnwantedProblem, ...]
    expected_monitoring: tuple[str, ...]
    expected_doses: tuple[str, ...]
    forbidden_claims: tuple[ForbiddenClaim, ...]
    missing: tuple[str, ...]
    on_file: tuple[str, ...]
    home_medicines_in_records: tuple[str, ...]
    allergies_in_records: tuple[str, ...]
    canaries: tuple[str, ...]


def load(path: Path = DATASET) -> tuple[Case, ...]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(Case.model_validate_json(line) for line in lines if line.strip())


@lru_cache(maxsize=4096)
def words_of(fact_id: str) -> str:
    """Everything that a fact says, its figures and lists included."""
    return facts().facts[fact_id].model_dump_json().replace('"', " ")


@lru_cache(maxsize=1)
def facts() -> KnowledgeBase:
    return knowledge.load()
