"""How a job becomes a plan or a failure: calls, kept answers, tries and leases, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from chassis.messaging.jobs import Worker
from schemas.careplan import CarePlan
from schemas.event import Event
from schemas.intake import CarePlanRequested
from schemas.validation import OrderAccepted
from services.generator.adapters.model import ModelAnswer, ModelFailed, ModelUnavailable
from services.generator.domain.request import PlanRequest
from tests.support.chassis import until
from tests.support.desks import BilledModel, Desk, DeskWith, an_order, desks, good, raising, unusable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk_with(database_url: str) -> AsyncIterator[DeskWith]:
    async with desks(database_url) as build:
        yield build


async def test_a_requested_plan_costs_one_call_and_says_what_it_took(desk_with: DeskWith) -> None:
    """P4."""
    model = BilledModel([good])
    desk = desk_with(model)
    async with desk.working():
        order_id = await desk.accept()
        (completed,) = await desk.emitted()
    assert (completed.type, completed.order_id) == ("careplan.care_plan_completed.v1", order_id)
    assert (completed.model_use.calls, completed.model_use.input_tokens) == (1, 5_000)
    assert completed.model_use.cost_usd == 0.5
    assert model.calls == 1


async def test_an_accepted_order_that_comes_five_times_gets_one_plan(desk_with: DeskWith) -> None:
    """P3."""
    model = BilledModel([good])
    desk = desk_with(model)
    fact = OrderAccepted(order_id=new_id(), attempt=1, order=an_order(), patient_id=new_id(), provider_id=new_id())
    event = Event(new_id(), "validation", datetime.now(UTC), fact)
    async with desk.working():
        for _ in range(5):
            await desk.generator.take_on([event])
        await desk.emitted()
    assert model.calls == 1


async def test_a_model_that_is_away_is_waited_for_and_nothing_is_given_up(desk_with: DeskWith) -> None:
    """P8: refused calls are no tries."""
    model = BilledModel([*[raising(ModelUnavailable("UNREACHABLE"))] * 6, good])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        (completed,) = await desk.emitted()
    assert completed.type == "careplan.care_plan_completed.v1"
    assert model.calls == 7


async def test_three_billed_failures_end_in_failed_with_a_reason_that_helps_and_no_fourth_call(
    desk_with: DeskWith,
) -> None:
    model = BilledModel([raising(ModelFailed("TIMEOUT"))])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        (failed,) = await desk.emitted()
    assert (failed.type, failed.reason) == ("careplan.care_plan_failed.v1", "TIMEOUT")
    assert "Try again" in failed.message
    assert model.calls == 3


async def test_a_retry_is_a_new_request_with_three_tries_of_its_own(desk_with: DeskWith) -> None:
    model = BilledModel([*[raising(ModelFailed("TIMEOUT"))] * 3, good])
    desk = desk_with(model)
    async with desk.working():
        order_id = await desk.accept()
        await desk.emitted()
        again = CarePlanRequested(order_id=order_id, attempt=2)
        await desk.generator.take_on([Event(new_id(), "intake", datetime.now(UTC), again)])
        _, completed = await desk.emitted(2)
    assert (completed.type, completed.attempt) == ("careplan.care_plan_completed.v1", 2)


async def test_an_answer_that_is_refused_goes_back_with_the_complaints_and_all_calls_are_counted(
    desk_with: DeskWith,
) -> None:
    model = BilledModel([unusable, good])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        (completed,) = await desk.emitted()
    assert model.complaints[0] == ()
    assert model.complaints[1], "the second call says what was wrong with the first answer"
    assert completed.model_use.calls == 2


async def test_answers_that_are_never_usable_end_in_failed_after_three_calls(desk_with: DeskWith) -> None:
    model = BilledModel([unusable])
    desk = desk_with(model)
    async with desk.working():
        await desk.accept()
        (failed,) = await desk.emitted()
    assert (failed.reason, failed.model_use.calls, model.calls) == ("ANSWER_NOT_USABLE", 3, 3)
    assert "What was wrong at last: the answer: json invalid" in failed.message


async def test_a_crash_after_the_answer_was_kept_costs_no_second_call(desk_with: DeskWith) -> None:
    """P4: the raw answer is committed before anybody reads it."""
    model = BilledModel([good])
    desk = desk_with(model)
    compose, crashes = desk.generator.compose, [True]

    def crash_once(answer: ModelAnswer, request: PlanRequest) -> CarePlan:
        if crashes:
            crashes.pop()
            raise RuntimeError("the process dies here")
        return compose(answer, request)

    desk.generator.compose = crash_once
    async with desk.working():
        await desk.accept()
        await until(lambda: not crashes)
        async with desk.database.transaction() as tx:
            await tx.execute("UPDATE jobs SET due_at = now()")  # the lease has run out
        (completed,) = await desk.emitted()
    assert completed.type == "careplan.care_plan_completed.v1"
    assert model.calls == 1


async def test_a_kept_answer_is_not_readable_in_the_database(desk_with: DeskWith) -> None:
    desk = desk_with(BilledModel([unusable]))
    async with desk.working():
        await desk.accept()
        await desk.emitted()
    async with desk.database.reading() as db:
        rows = await db.fetch("SELECT sealed FROM model_answers")
    assert rows
    assert all(b"not what was asked for" not in row["sealed"] for row in rows)


async def test_a_worker_that_lost_its_lease_cannot_overwrite_its_successors_plan(desk_with: DeskWith) -> None:
    """P11: both finish; one plan, one event."""
    started, go_on = asyncio.Event(), asyncio.Event()
    model = BilledModel([good])
    desk = desk_with(model)
    slow = [True]
    write = model.write

    async def first_call_hangs(request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        if slow:
            slow.pop()
            started.set()
            await go_on.wait()
        return await write(request, complaints)

    model.write = first_call_hangs  # type: ignore[method-assign]
    order_id = await desk.accept()
    job = await _lease_without_a_worker(desk)
    paused = asyncio.create_task(desk.generator.write_plan(job))
    await started.wait()
    async with desk.database.transaction() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")
    async with desk.working():
        (completed,) = await desk.emitted()
        go_on.set()
        await paused
        await asyncio.sleep(0.1)
        assert await desk.emitted() == [completed]
    assert completed.order_id == order_id
    async with desk.database.reading() as db:
        assert await db.fetchval("SELECT count(*) FROM careplans") == 1


async def test_p4_a_worker_paused_past_its_lease_before_it_asked_asks_nobody(desk_with: DeskWith) -> None:
    """Its successor may have written the plan: a call would be billed for nothing."""
    model = BilledModel([good])
    desk = desk_with(model)
    await desk.accept()
    job = await _lease_without_a_worker(desk, seconds=0.2)
    await asyncio.sleep(0.3)
    await desk.generator.write_plan(job)
    assert model.calls == 0
    assert await desk.calls(0) == []
    async with desk.working():
        (completed,) = await desk.emitted()
    assert (completed.type, model.calls) == ("careplan.care_plan_completed.v1", 1)


async def _lease_without_a_worker(desk: Desk, seconds: float = 30) -> Any:
    worker = Worker(desk.database, desk.generator.write_plan, lease=timedelta(seconds=seconds))
    (job,) = await worker._claim(1)
    return job
