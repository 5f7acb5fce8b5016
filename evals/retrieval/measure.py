"""Asks every question of a real PostgreSQL, and counts how many find something right among the first few."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Database, Transaction
from evals.cases import facts, load
from services.generator import retrieval
from services.generator.adapters.embedding import Embedder
from services.generator.retrieval import Question
from services.generator.use_cases import LookingUp

QUESTIONS = Path(__file__).parent / "questions.jsonl"
OF_FACTS, OF_RECORDS = 5, 3
"""Among how many the right one must be."""
Way = Literal["words", "meaning", "both"]
WAYS: tuple[Way, ...] = ("words", "meaning", "both")
_ORDER = UUID(int=1)


class Asked(BaseModel):
    asked: str
    drug: str | None = None
    facts: tuple[str, ...] = ()
    """Any of these is right."""
    records: bool = False
    quotes: tuple[str, ...] = ()
    """A passage with any of these is right."""


@dataclass(frozen=True)
class Recall:
    """Share of the questions that found a right one: over all drugs, for the drug that is meant, in long records."""

    all_drugs: float
    of_the_drug: float
    records: float
    missed: tuple[str, ...]


def questions() -> list[Asked]:
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return [Asked.model_validate_json(line) for line in lines if line.strip()]


def long_record() -> str:
    """All cases' records one after the other, between them what fills real records and answers nothing."""
    parts = []
    for number, case in enumerate(load()):
        parts.append(case.order.patient_records.strip())
        parts += [_FILLER.format(day=1 + number % 28, at=8 + visit, room=number * 7 + visit) for visit in range(6)]
    return "\n\n".join(parts)


_FILLER = (
    "Nursing note, day {day}, {at}:00, room {room}. Patient seen at the front desk, identity checked against two documents. "
    "Parking voucher validated. Interpreter not needed. Consent form for the portal signed and scanned. Seat by the window as "
    "wished. Lunch tray offered and taken. Family updated by phone about the time of pick-up. Next slot booked at the desk."
)


async def measure(database: Database) -> dict[Way, Recall]:
    """ValueError where the texts could not be embedded."""
    embed = Embedder(seconds=1200)  # what is found is measured here, not how soon
    looking_up = LookingUp(database, facts(), embed)
    await looking_up.embed_all_facts()
    record = long_record()
    asked = questions()
    vectors = await embed("query", [question.asked for question in asked])
    if vectors is None:
        raise ValueError("the texts could not be embedded")
    await looking_up.keep_passages(_ORDER, record)
    of_records = [Question(question.asked) for question in asked if question.records]
    await looking_up.embed_likely_passages(_ORDER, of_records)
    async with database.reading() as db:
        return {way: await _recall(db, way, list(zip(asked, vectors, strict=True)), record) for way in WAYS}


async def _recall(db: Transaction, way: Way, asked: Sequence[tuple[Asked, str]], record: str) -> Recall:
    hits: dict[str, list[bool]] = {"all": [], "drug": [], "records": []}
    missed = []
    for question, vector in asked:
        put = Question("" if way == "meaning" else question.asked, None if way == "words" else vector)
        if question.records:
            found = await retrieval.find_passages(db, _ORDER, put, OF_RECORDS)
            hits["records"].append(any(quote in passage.of(record) for passage in found for quote in question.quotes))
            right = hits["records"][-1]
        else:
            for name, drug in (("all", None), ("drug", question.drug)):
                ids = await retrieval.find_facts(db, put, drug, OF_FACTS)
                hits[name].append(not set(ids).isdisjoint(question.facts))
            right = hits["drug"][-1]
        if not right:
            missed.append(question.asked)
    share: Callable[[str], float] = lambda name: sum(hits[name]) / len(hits[name])  # noqa: E731
    return Recall(share("all"), share("drug"), share("records"), tuple(missed))
