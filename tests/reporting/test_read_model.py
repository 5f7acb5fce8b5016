"""What facts make of an order's row: the same in any order, however often they come and however they are batched (P3)."""

import random
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.crypto import Keyring
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.messaging.codec import Codec
from schemas.careplan import ModelUse, Signature
from schemas.event import Event
from schemas.generator import CarePlanApproved, CarePlanCompleted, CarePlanFailed, CarePlanRevised
from schemas.intake import CarePlanRequested, OrderConfirmed, OrderReceived
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned
from services.reporting.domain.read_model import (
    Change,
    change_of,
    merged,
    merged_versions,
    searched_text,
    searched_words,
    version_of,
)
from services.reporting.live_list import LiveList
from services.reporting.storage import Filter
from services.reporting.use_cases import Reporting
from tests.support.facts import an_id, at, event, order, packed_plan, warning
from tests.support.stack import environments, secrets

SEEN = warning()
PLAN_ID = an_id(4)


def received(oid: UUID) -> Event:
    return event(OrderReceived(order_id=oid, source="web", submitted_at=at(0), order=order()), 0)


def accepted(oid: UUID, attempt: int, seconds: float) -> Event:
    fact = OrderAccepted(
        order_id=oid, attempt=attempt, order=order(), findings=(SEEN,), patient_id=an_id(2), provider_id=an_id(3)
    )
    return event(fact, seconds)


def completed(oid: UUID, attempt: int, seconds: float, accepted_at: float, plan_id: UUID = PLAN_ID) -> Event:
    fact = CarePlanCompleted(
        order_id=oid,
        attempt=attempt,
        careplan_id=plan_id,
        accepted_at=at(accepted_at),
        careplan=packed_plan(),
        model_use=ModelUse(calls=1, input_tokens=100 * attempt, cost_usd=0.5),
    )
    return event(fact, seconds)


def failed(oid: UUID, attempt: int, seconds: float, accepted_at: float) -> Event:
    use = ModelUse(calls=3, input_tokens=1000, cost_usd=0.25)
    fact = CarePlanFailed(
        order_id=oid, attempt=attempt, accepted_at=at(accepted_at), reason="TIMEOUT", message="m", model_use=use
    )
    return event(fact, seconds)


def revised(oid: UUID, version: int, plan_id: UUID = PLAN_ID) -> Event:
    fact = CarePlanRevised(
        order_id=oid,
        careplan_id=plan_id,
        version=version,
        careplan=packed_plan(f"{version}"),
        revised=Signature(by="pharmacist", at=at(100 + version)),
        note="why",
    )
    return event(fact, 100 + version)


def approved(oid: UUID, version: int, plan_id: UUID = PLAN_ID) -> Event:
    signed = Signature(by="pharmacist", at=at(200 + version))
    return event(CarePlanApproved(order_id=oid, careplan_id=plan_id, version=version, approved=signed), 200 + version)


def story(name: str, oid: UUID, plan_id: UUID = PLAN_ID) -> list[Event]:
    match name:
        case "completed":
            return [received(oid), accepted(oid, 1, 1), completed(oid, 1, 5, 1, plan_id)]
        case "rejected":
            return [received(oid), event(OrderRejected(order_id=oid, attempt=1, findings=(SEEN,)), 1)]
        case "waits for confirmation":
            return [received(oid), event(OrderWarned(order_id=oid, attempt=1, findings=(SEEN,)), 1)]
        case "confirmed":
            return [
                received(oid),
                event(OrderWarned(order_id=oid, attempt=1, findings=(SEEN,)), 1),
                event(OrderConfirmed(order_id=oid, attempt=2, source="web", order=order(), confirmed=(SEEN,)), 9),
                accepted(oid, 2, 10),
                completed(oid, 2, 12, 10, plan_id),
            ]
        case "being retried":
            return [
                received(oid),
                accepted(oid, 1, 1),
                failed(oid, 1, 5, 1),
                event(CarePlanRequested(order_id=oid, attempt=2), 9),
            ]
        case "retried":
            return [*story("being retried", oid), completed(oid, 2, 12, 1, plan_id)]
        case "revised":
            return [*story("completed", oid, plan_id), approved(oid, 1, plan_id), revised(oid, 2, plan_id)]
        case "revised and approved":
            return [*story("revised", oid, plan_id), approved(oid, 2, plan_id)]
        case _:
            raise ValueError(name)


STORIES = (
    "completed",
    "rejected",
    "waits for confirmation",
    "confirmed",
    "being retried",
    "retried",
    "revised",
    "revised and approved",
)


def row_of(batches: Sequence[Sequence[Event]]) -> Change:
    """Each batch merged, then the batches with one another: as the statement does it with what is stored."""
    [row] = merged(change for batch in batches for change in merged(change_of(fact) for fact in batch))
    return row


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_order_repetition_and_batching_give_the_same_row(name: str, data: st.DataObject) -> None:
    facts = story(name, an_id(1))
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=5))
    told = data.draw(st.permutations([*facts, *repeated]))
    cut = data.draw(st.integers(0, len(told)))
    assert row_of([batch for batch in (told[:cut], told[cut:]) if batch]) == row_of([facts])

    def versions(of: Sequence[Event]) -> dict[tuple[UUID, int], Any]:
        rows = merged_versions(version for fact in of if (version := version_of(fact)))
        return {(row.careplan_id, row.version): row for row in rows}

    assert versions(told) == versions(facts)


def test_what_each_story_comes_to() -> None:
    rows = {name: row_of([story(name, an_id(1))]) for name in STORIES}
    reached = {name: row.reached and (row.reached.status, row.reached.ended_at) for name, row in rows.items()}
    assert reached == {
        "completed": ("completed", at(5)),
        "rejected": ("rejected", at(1)),
        "waits for confirmation": ("needs_confirmation", None),
        "confirmed": ("completed", at(12)),
        "being retried": ("processing", None),
        "retried": ("completed", at(12)),
        "revised": ("completed", at(5)),
        "revised and approved": ("completed", at(5)),
    }
    assert {name: (row.careplan_version, row.review) for name, row in rows.items()} == {
        "completed": (1, "draft"),
        "rejected": (None, None),
        "waits for confirmation": (None, None),
        "confirmed": (1, "draft"),
        "being retried": (None, None),
        "retried": (1, "draft"),
        "revised": (2, "draft"),
        "revised and approved": (2, "approved"),
    }


def test_a_retry_is_paid_for_beside_the_failure_before_it() -> None:
    row = row_of([story("retried", an_id(1))])
    assert {attempt: use.input_tokens for attempt, use in row.model_use.items()} == {1: 1000, 2: 200}


def test_one_order_of_many_in_a_batch_touches_its_row_once() -> None:
    facts = [fact for number in range(5) for fact in story("completed", an_id(number))]
    random.Random(1).shuffle(facts)
    assert len(merged(change_of(fact) for fact in facts)) == 5


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("bell", True),
        ("BELL", True),
        ("ana bell", True),
        ("Bell, Ana", True),
        ("Bell,", True),
        ("An", True),
        ("012345", True),
        ("2345", True),
        ("ivig", True),
        ("ibanez", False),
        ("ana stone", False),
        ("G70.00", False),
    ],
)
def test_search_looks_in_names_mrn_and_medication(typed: str, found: bool) -> None:
    text = searched_text(order())
    assert all(word in text for word in searched_words(typed)) is found


@pytest.mark.parametrize("typed", ["ibanez", "Ibañez", "IBAN\u0303EZ", "o'neil", "O\u2019Neil"])
def test_search_does_not_mind_accents_case_or_typography(typed: str) -> None:
    text = searched_text(order(patient={"last_name": "Ibañez O\u2019Neil"}))
    assert all(word in text for word in searched_words(typed))


# ── the same in PostgreSQL ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def reporting(database_url: str) -> AsyncIterator[Reporting]:
    url = environments(database_url, "nowhere:1", embedded_broker=True)["reporting"]["DATABASE_URL"]
    database = Database(url, Codec("reporting", Keyring.parse(secrets().encryption_keys)), 3)
    yield Reporting(database, LiveList(database, url))
    await database.close()


_ORDER = "SELECT * FROM orders WHERE order_id = $1"
_VERSIONS = "SELECT * FROM careplan_versions WHERE order_id = $1 ORDER BY version"


async def kept(reporting: Reporting, oid: UUID) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with reporting.database.reading() as db:
        row = await db.fetchrow(_ORDER, oid)
        versions = await db.fetch(_VERSIONS, oid)
    assert row is not None
    ids = ("order_id", "careplan_id")
    return (
        {name: value for name, value in row.items() if name not in ids},
        [{name: value for name, value in version.items() if name not in ids} for version in versions],
    )


@pytest.mark.parametrize("name", STORIES)
async def test_any_order_repetition_and_batching_store_the_same_row(name: str, reporting: Reporting) -> None:
    chance = random.Random(name)
    plain, plan_id = new_id(), new_id()
    for fact in story(name, plain, plan_id):
        await reporting.take_in([fact])
    for _ in range(25):
        other, plan_id = new_id(), new_id()
        told = story(name, other, plan_id)
        told += chance.choices(told, k=3)
        chance.shuffle(told)
        while told:
            size = chance.randint(1, len(told))
            batch, told = told[:size], told[size:]
            await reporting.take_in(batch)
        assert await kept(reporting, other) == await kept(reporting, plain)


async def test_a_batch_of_repeated_facts_that_are_not_the_same_event_is_no_stumbling_block(
    reporting: Reporting,
) -> None:
    oid = new_id()
    await reporting.take_in([*story("revised and approved", oid), *story("revised and approved", oid)])
    row, versions = await kept(reporting, oid)
    assert (row["status"], row["review"], len(versions)) == ("completed", "approved", 2)


async def test_the_figures_of_a_summary_agree_while_orders_arrive(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reporting.take_in([received(new_id())])
    fetch = Transaction.fetch

    async def fetch_while_orders_arrive(self: Transaction, sql: str, *args: Any) -> list[Any]:
        if "GROUP BY" in sql and "orders" in sql:
            monkeypatch.setattr(Transaction, "fetch", fetch)
            await reporting.take_in([received(new_id())])
        return await fetch(self, sql, *args)

    monkeypatch.setattr(Transaction, "fetch", fetch_while_orders_arrive)
    summary = await reporting.summary(Filter(medication="ivig"))
    assert Transaction.fetch is fetch
    counted = [summary["figures"]["orders"], *(sum(summary[f"by_{what}"].values()) for what in ("status", "source"))]
    assert len(set(counted)) == 1
    assert counted[0] == sum(day["orders"] for day in summary["by_day"])
