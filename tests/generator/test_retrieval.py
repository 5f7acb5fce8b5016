"""Hybrid search on a real PostgreSQL with pgvector and the real embedding: what is found first, and where it stands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chassis.database import Database
from chassis.ids import new_id
from chassis.messaging.jobs import Job
from knowledge.base import KnowledgeBase
from services.generator.adapters.embedding import Embedder
from services.generator.adapters.fleet import one_model
from services.generator.adapters.scripted import Scripted
from services.generator.domain.passages import LONG_RECORDS, chosen, passages_of, questions_about
from services.generator.domain.prompt import order_message
from services.generator.domain.redaction import Redaction
from services.generator.use_cases import Asking, LookingUp
from tests.support.chassis import database_of
from tests.support.clinical_orders import order
from tests.support.plans import facts, request_for

pytestmark = pytest.mark.anyio

FILLER = "Seen at the desk. Voucher validated. Lunch tray offered and taken. Next slot booked by phone.\n\n"
LONG = f"{FILLER * 150}Echocardiogram: LVEF 30%, heart failure NYHA III.\n\n{FILLER * 150}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url, "generator")
    yield database
    await database.close()


def only(*drugs: str) -> KnowledgeBase:
    return replace(facts(), drugs=tuple(drug for drug in facts().drugs if drug.id in drugs))


async def test_facts_of_the_ordered_drug_come_first_and_words_find_them_without_any_vector(database: Database) -> None:
    looking_up = LookingUp(database, facts())
    found = await looking_up.facts("live vaccines", "tofacitinib", limit=20)
    of_the_drug = [fact_id.startswith("tofacitinib.") for fact_id in found]
    assert found[0] in {"tofacitinib.interact.live_vaccines", "tofacitinib.counsel.vaccines"}
    assert of_the_drug == sorted(of_the_drug, reverse=True)
    assert not all(of_the_drug)
    async with database.reading() as db:
        assert await db.fetchval("SELECT count(*) FROM fact_passages WHERE embedding IS NOT NULL") == 0


async def test_meaning_finds_what_no_word_of_the_question_says(database: Database) -> None:
    asked = "jaundice"
    knowledge = only("teriflunomide")
    right = {"teriflunomide.boxed.hepatotoxicity", "teriflunomide.counsel.liver", "teriflunomide.contra.hepatic"}
    assert right.isdisjoint(await LookingUp(database, knowledge).facts(asked))
    looking_up = LookingUp(database, knowledge, Embedder())
    await looking_up.embed_all_facts()
    found = await looking_up.facts(asked, "teriflunomide", limit=5)
    assert right.intersection(found)


async def test_a_fact_that_is_worded_anew_is_embedded_anew_and_the_others_are_not(database: Database) -> None:
    embedded: list[str] = []

    async def embed(_: str, texts: Sequence[str]) -> list[str]:
        embedded.extend(texts)
        return ["[" + ",".join(["0.05"] * 384) + "]"] * len(texts)

    knowledge = only("apremilast")
    await LookingUp(database, knowledge, embed).embed_all_facts()
    assert len(embedded) == len(knowledge.drugs[0].facts)
    drug = knowledge.drugs[0]
    first = drug.facts[0].model_copy(update={"text": "Worded anew."})
    embedded.clear()
    again = replace(knowledge, drugs=(drug.model_copy(update={"facts": (first, *drug.facts[1:])}),))
    await LookingUp(database, again, embed).embed_all_facts()
    assert embedded == ["apremilast: Worded anew."]


async def test_words_alone_serve_where_nothing_can_be_embedded(database: Database) -> None:
    async def fails(*_: Any) -> None:
        return None

    looking_up = LookingUp(database, only("apremilast"), fails)
    await looking_up.embed_all_facts()
    assert "apremilast.interact.inducers" in await looking_up.facts("rifampin")


async def test_a_question_is_words_and_never_operators(database: Database) -> None:
    looking_up = LookingUp(database, only("apremilast"))
    for asked in ('"', "-weight", "a | b & !c", "' OR 1=1 --", "🙂", "(((", "weight:*"):
        assert isinstance(await looking_up.facts(asked), list)


async def test_scripted_asks_neither_the_search_nor_the_database_whatever_the_length_of_the_records() -> None:
    """The hot path: nothing but the writer itself is given to it here."""

    async def never(*_: Any) -> Any:
        raise AssertionError("scripted reads for itself")

    nothing: Any = None
    asking = Asking(nothing, nothing, one_model(Scripted()).candidates, nothing, nothing, never)
    job = Job(
        new_id(),
        new_id(),
        attempt=1,
        cause_id=new_id(),
        trace=None,
        generation=1,
        billed_tries=1,
        free_tries=0,
        lease=nothing,
    )
    request = request_for(medication="infliximab", primary_diagnosis="K50.90", patient_records=LONG)
    kept = await asking.ask(job, request, ())
    assert any("heart failure NYHA III" in str(item) for item in kept.answer.answer(request.order).problem_list)


# ── records ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", [LONG, "x" * 5000, "a.\n" * 3000, "Ünïcödé 🙂 text. " * 500, " \n \n ", "one"])
def test_passages_leave_out_nothing_but_white_space_and_stand_where_they_say(text: str) -> None:
    passages = passages_of(text)
    covered = 0
    for passage in passages:
        assert text[covered : passage.start].strip() == ""
        assert 0 < passage.end - passage.start <= 900 + 500
        covered = passage.end
    assert text[covered:].strip() == ""


async def test_short_records_are_sent_whole(database: Database) -> None:
    request = request_for()
    assert await LookingUp(database, facts()).long_records(new_id(), request) is request


@pytest.mark.parametrize("embed", [None, Embedder()])
async def test_of_long_records_what_matters_is_sent_with_its_place(database: Database, embed: Embedder | None) -> None:
    assert len(LONG) > LONG_RECORDS
    request = request_for(medication="infliximab", primary_diagnosis="K50.90", patient_records=LONG)
    read = await LookingUp(database, facts(), embed).long_records(new_id(), request)
    sent = "".join(LONG[start:end] for start, end in read.passages)
    assert "heart failure NYHA III" in sent
    assert len(sent) <= LONG_RECORDS
    message = order_message(read, Redaction(read.order), "fence")
    assert "LVEF 30%" in message
    assert "[left out]" in message
    assert f"of {len(LONG)}]" in message
    assert len(message) < len(LONG)


async def test_of_the_longest_records_the_likely_passages_are_embedded_wherever_they_stand_and_no_more_than_64(
    database: Database,
) -> None:
    """A passage is an eighth of a second of a core: all four hundred would be a minute."""
    embedded: list[str] = []

    async def embed(kind: str, texts: Sequence[str]) -> list[str]:
        embedded.extend(texts if kind == "passage" else [])
        return ["[" + ",".join(["0.05"] * 384) + "]"] * len(texts)

    text = f"{FILLER * 2000}Echocardiogram: LVEF 30%, heart failure NYHA III."
    request = request_for(medication="infliximab", primary_diagnosis="K50.90", patient_records=text)
    order_id = new_id()
    await LookingUp(database, facts(), embed).long_records(order_id, request)
    assert len(passages_of(text)) > 300
    assert len(embedded) == 64
    assert any("LVEF 30%" in passage for passage in embedded)
    await LookingUp(database, facts(), embed).long_records(order_id, request)
    assert len(embedded) == 64, "what is embedded already is not embedded again"


async def test_a_long_record_whose_turn_does_not_come_in_time_is_searched_by_words(database: Database) -> None:
    async def never(*_: Any) -> list[str]:
        await asyncio.Event().wait()
        return []

    looking_up = LookingUp(database, facts(), never, seconds=0.1)
    request = request_for(medication="infliximab", primary_diagnosis="K50.90", patient_records=LONG)
    both = await asyncio.gather(*(looking_up.long_records(new_id(), request) for _ in range(2)))
    assert all("heart failure NYHA III" in "".join(LONG[start:end] for start, end in read.passages) for read in both)


async def test_no_passage_is_embedded_where_the_questions_could_not_be(database: Database) -> None:
    async def fails(kind: str, _: Sequence[str]) -> None:
        assert kind == "query"

    request = request_for(medication="infliximab", primary_diagnosis="K50.90", patient_records=LONG)
    read = await LookingUp(database, facts(), fails).long_records(new_id(), request)
    assert "heart failure NYHA III" in "".join(LONG[start:end] for start, end in read.passages)


def test_what_the_checklist_quotes_is_always_among_what_is_sent() -> None:
    request = request_for(medication="infliximab", primary_diagnosis="K50.90", patient_records=LONG)
    sent = chosen(request, [])
    quotes = [piece.quote for item in request.checklist for piece in item.evidence if hasattr(piece, "quote")]
    assert quotes
    assert all(any(quote in LONG[start:end] for start, end in sent) for quote in quotes)


def test_each_baseline_test_and_contraindication_is_asked_for() -> None:
    asked = "\n".join(questions_about(request_for(order(medication="rituximab", primary_diagnosis="M05.79"))))
    assert "HBsAg" in asked
    assert asked.startswith("rituximab: indication")


async def test_who_waits_for_others_for_longer_than_that_goes_on_without_vectors() -> None:
    embed = Embedder(seconds=0.05)
    async with embed._turns:
        assert await embed("query", ["anything"]) is None


async def test_the_child_process_that_takes_too_long_is_given_up() -> None:
    assert await Embedder(seconds=0.001)("query", ["anything"]) is None
    assert await Embedder()("query", []) == []
