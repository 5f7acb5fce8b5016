"""What a call costs, who is asked, when nobody is: the ledger, the budget, stored answers and fallbacks, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from schemas.careplan import unpack
from services.generator.adapters.fleet import Fleet
from services.generator.adapters.gate import Gate, Gated
from services.generator.adapters.model import ModelAnswer, ModelFailed, ModelUnavailable
from services.generator.domain.request import PlanRequest
from tests.support.desks import TOOK, BilledModel, DeskWith, an_order, desks, good, raising, unusable
from tests.support.metrics import value

pytestmark = pytest.mark.anyio

AWAY = raising(ModelUnavailable("UNREACHABLE"))
HANGS = raising(ModelFailed("TIMEOUT"))


@pytest.fixture
async def desk_with(database_url: str) -> AsyncIterator[DeskWith]:
    async with desks(database_url) as build:
        yield build


def other_says_good(request: PlanRequest) -> ModelAnswer:
    return replace(good(request), provider="other", model="other-1")


def with_fallback(first: BilledModel, second: BilledModel) -> Fleet:
    return Fleet({"small": first, "large": first}, [second])


async def test_each_call_stands_in_the_ledger_with_tokens_price_and_time(desk_with: DeskWith) -> None:
    desk = desk_with(BilledModel([good]))
    async with desk.working():
        order_id = await desk.accept()
        await desk.emitted()
    (call,) = await desk.calls()
    assert (call["order_id"], call["provider"], call["model"]) == (order_id, "double", "double-1")
    assert (call["input_tokens"], call["output_tokens"], call["usd"]) == (5_000, 9_000, 0.5)
    assert (call["outcome"], call["reserved"]) == ("ANSWERED", False)
    assert call["seconds"] >= 0
    assert call["prices_as_of"].isoformat() == "2026-11-21"


async def test_a_call_that_hung_keeps_the_most_that_it_may_have_cost(desk_with: DeskWith) -> None:
    desk = desk_with(BilledModel([HANGS, good]))
    async with desk.working():
        await desk.accept()
        (completed,) = await desk.emitted()
    hung, answered = await desk.calls(2)
    assert (hung["outcome"], hung["reserved"]) == ("TIMEOUT", True)
    assert hung["usd"] > 16_000 * 50 / 1e6
    assert completed.model_use.calls == 2
    assert completed.model_use.cost_usd == pytest.approx(hung["usd"] + answered["usd"])


async def test_an_answer_cut_short_costs_what_it_took(desk_with: DeskWith) -> None:
    desk = desk_with(BilledModel([raising(ModelFailed("TOO_LONG", TOOK)), good]))
    async with desk.working():
        await desk.accept()
        await desk.emitted()
    cut, _ = await desk.calls(2)
    assert (cut["outcome"], cut["reserved"], cut["usd"]) == ("TOO_LONG", False, 0.5)


async def test_what_was_paid_in_vain_is_measured_as_the_ledger_has_it(desk_with: DeskWith) -> None:
    """Calls that all hang, or all break off, are how a model grows dear."""
    before = value("careplan_model_cost_usd_total", provider="double", model="double-1")
    desk = desk_with(BilledModel([HANGS, raising(ModelFailed("TOO_LONG", TOOK)), good]))
    async with desk.working():
        await desk.accept()
        await desk.emitted()
    paid = sum(call["usd"] for call in await desk.calls(3))
    measured = value("careplan_model_cost_usd_total", provider="double", model="double-1") - before
    assert measured == pytest.approx(paid)


async def test_a_call_that_was_not_taken_costs_nothing_and_a_call_that_was_not_made_is_not_there(
    desk_with: DeskWith,
) -> None:
    model = BilledModel([AWAY, raising(ModelUnavailable("PAUSED", asked=False)), good])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        (completed,) = await desk.emitted()
    assert model.calls == 3
    assert [(c["outcome"], c["usd"]) for c in await desk.calls(2)] == [("UNREACHABLE", 0.0), ("ANSWERED", 0.5)]
    assert completed.model_use.calls == 1


async def test_what_a_process_died_in_stays_counted(desk_with: DeskWith) -> None:
    """Somebody may send a bill for it."""
    started = asyncio.Event()
    model = BilledModel([good])

    async def dies(*_: object) -> ModelAnswer:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    model.write = dies  # type: ignore[assignment,method-assign]
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        await started.wait()
    (call,) = await desk.calls(0)
    assert (call["outcome"], call["reserved"]) == ("ASKED", True)
    assert call["usd"] > 0


async def test_a_budget_that_is_used_up_makes_orders_wait_and_fails_none(desk_with: DeskWith) -> None:
    model = BilledModel([good])
    desk = desk_with(model, "1.20")
    async with desk.working():
        await desk.accept()
        await desk.emitted()
        await desk.accept(order=an_order().model_copy(update={"patient_records": "Another order."}))
        await waits(desk)
        assert len(await desk.emitted()) == 1
    assert model.calls == 1
    assert desk.generator.asking.budget.used_up


async def test_an_order_that_waited_for_the_budget_goes_on_when_it_is_raised(desk_with: DeskWith) -> None:
    model = BilledModel([good])
    poor = desk_with(model, "0.10")
    async with poor.working():
        await poor.accept()
        await waits(poor)
    async with poor.database.transaction() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")
        assert await tx.fetchval("SELECT billed_tries FROM jobs") == 0, "waiting is no try"
    rich = desk_with(model, "100")
    async with rich.working():
        (completed,) = await rich.emitted()
    assert completed.type == "careplan.care_plan_completed.v1"


async def test_last_months_calls_are_not_this_months_spending(desk_with: DeskWith) -> None:
    model = BilledModel([good])
    desk = desk_with(model, "1.20")
    async with desk.working():
        await desk.accept()
        await desk.emitted()
        async with desk.database.transaction() as tx:
            await tx.execute(
                "UPDATE model_calls SET asked_at = date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 second'"
            )
        await desk.accept(order=an_order().model_copy(update={"patient_records": "Another order."}))
        await desk.emitted(2)
    assert model.calls == 2


async def test_many_orders_at_once_never_spend_more_than_the_budget(desk_with: DeskWith) -> None:
    async def slow(request: PlanRequest, complaints: object = ()) -> ModelAnswer:
        await asyncio.sleep(0.05)
        model.complaints.append(())
        return good(request)

    model = BilledModel([good])
    model.write = slow  # type: ignore[method-assign]
    desk = desk_with(model, "3.00")
    async with desk.working():
        for number in range(12):
            await desk.accept(order=an_order().model_copy(update={"patient_records": f"Order number {number}."}))
        await waits(desk)
        await asyncio.sleep(1)
    assert 2 <= model.calls <= 5
    assert sum(call["usd"] for call in await desk.calls(model.calls)) <= 3


async def waits(desk: object) -> None:
    """Until some order was told to wait for the budget."""
    for _ in range(3000):
        if desk.generator.asking.budget.used_up:  # type: ignore[attr-defined]
            await asyncio.sleep(0.2)
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the budget was never used up")


async def test_the_same_input_is_answered_from_what_is_stored_and_costs_nothing(desk_with: DeskWith) -> None:
    model = BilledModel([good])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        await desk.emitted()
        twin = an_order()
        twin = twin.model_copy(update={
            "patient": twin.patient.model_copy(update={"first_name": "Zoe", "mrn": "998877"}),
            "patient_records": twin.patient_records.replace("Ana", "Zoe"),
        })  # fmt: skip
        await desk.accept(order=twin)
        first, second = await desk.emitted(2)
    assert model.calls == 1
    assert (second.model_use.calls, second.model_use.cost_usd) == (0, 0.0)
    assert first.careplan_id != second.careplan_id


async def test_an_answer_that_was_refused_is_never_used_again(desk_with: DeskWith) -> None:
    model = BilledModel([unusable, good])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        await desk.emitted()
        await desk.accept()
        await desk.emitted(2)
    assert model.calls == 3, "the first answer was refused, and the second was to another question"


async def test_nobody_else_is_asked_unless_an_operator_has_named_them(desk_with: DeskWith) -> None:
    model = BilledModel([AWAY, AWAY, good])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        await desk.emitted()
    assert {call["provider"] for call in await desk.calls(3)} == {"double"}


async def test_a_fallback_writes_where_the_first_is_away_and_the_plan_says_so(desk_with: DeskWith) -> None:
    first, second = BilledModel([AWAY]), BilledModel([other_says_good], provider="other", model="other-1")
    desk = desk_with(with_fallback(first, second))
    async with desk.working():
        await desk.accept()
        (completed,) = await desk.emitted()
    assert unpack(completed.careplan).produced_by.provider == "other"
    assert [(c["provider"], c["outcome"]) for c in await desk.calls(2)] == [
        ("double", "UNREACHABLE"),
        ("other", "ANSWERED"),
    ]


async def test_a_fallback_is_not_asked_within_a_try_that_may_have_been_billed(desk_with: DeskWith) -> None:
    """P4: one try is one billable call."""
    first, second = BilledModel([HANGS]), BilledModel([other_says_good], provider="other", model="other-1")
    desk = desk_with(with_fallback(first, second))
    async with desk.working():
        await desk.accept()
        (failed,) = await desk.emitted()
    assert (failed.reason, first.calls, second.calls) == ("TIMEOUT", 3, 0)


async def test_orders_behind_a_model_that_hangs_keep_their_tries(desk_with: DeskWith) -> None:
    """The breaker opens on timeouts; then a fallback, or patience, and not `failed`."""
    hanging = BilledModel([HANGS])
    gate = Gate("double", failures=3, rest_seconds=60)
    desk = desk_with(Fleet({"small": Gated(hanging, gate), "large": Gated(hanging, gate)}, [], [gate]))
    async with desk.working():
        for number in range(8):
            await desk.accept(order=an_order().model_copy(update={"patient_records": f"Order number {number}."}))
        await asyncio.sleep(1.5)
    assert hanging.calls <= 8, "those that were under way when it opened, and no more"
    async with desk.database.reading() as db:
        tries = [row["billed_tries"] for row in await db.fetch("SELECT billed_tries FROM jobs")]
    assert len(tries) + len(await desk.emitted(8 - len(tries), seconds=0.1)) == 8
    assert sum(tries) <= hanging.calls + 8
    assert len(tries) >= 7
