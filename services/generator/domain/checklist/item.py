"""One thing that code has found and that a plan must deal with."""

from dataclasses import dataclass
from functools import lru_cache

from schemas.careplan import Category, Severity
from services.generator.domain.evidence import FactRef, OrderField, RecordQuote

RANK: dict[Severity, int] = {"high": 0, "moderate": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that nobody provided: `text` goes into the plan's gaps, `placeholder` stands where it is missing."""

    text: str
    placeholder: str


@lru_cache(maxsize=1024)
def gap(name: str, consequence: str) -> Gap:
    return Gap(f"{name[0].upper()}{name[1:]} not provided: {consequence}", f"[{name.upper()} NOT PROVIDED]")


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """`what` is true of this order by the evidence given; `action` is what has to happen, `when` at the latest.

    `what` holds the placeholder of each of its gaps.
    """

    id: str
    severity: Severity
    category: Category
    what: str
    action: str
    evidence: tuple[RecordQuote | FactRef | OrderField, ...]
    when: str = "before the first dose"
    medication: str | None = None
    gaps: tuple[Gap, ...] = ()
