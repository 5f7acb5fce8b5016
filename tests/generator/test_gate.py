"""What stands before a provider: pauses it asked for, and a breaker that spares the orders behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from services.generator.adapters.gate import Gate, Gated
from services.generator.adapters.model import ModelAnswer, ModelFailed, ModelUnavailable
from services.generator.domain.request import PlanRequest
from tests.support.desks import BilledModel, good, raising
from tests.support.plans import request_for

pytestmark = pytest.mark.anyio

TIMEOUT = raising(ModelFailed("TIMEOUT"))


async def reason_of(model: Gated) -> str:
    try:
        await model.write(request_for())
    except (ModelUnavailable, ModelFailed) as error:
        return error.reason
    return "ANSWERED"


async def test_a_pause_that_the_provider_asked_for_holds_for_every_order() -> None:
    now = [100.0]
    inner = BilledModel([raising(ModelUnavailable("RATE_LIMITED", 20))])
    model = Gated(inner, Gate("double", clock=lambda: now[0]))
    for _ in range(3):
        with pytest.raises(ModelUnavailable) as away:
            await model.write(request_for())
    assert (inner.calls, away.value.reason, away.value.retry_after) == (1, "PAUSED", 20.0)
    assert not away.value.asked
    now[0] += 21
    assert await reason_of(model) == "RATE_LIMITED"
    assert inner.calls == 2


async def test_a_pause_has_a_cap() -> None:
    gate = Gate("double", clock=lambda: 0.0)
    assert await reason_of(Gated(BilledModel([raising(ModelUnavailable("BUSY", 86_000))]), gate)) == "BUSY"
    assert gate.paused_seconds == 60


@pytest.mark.parametrize("error", [ModelFailed("TIMEOUT"), ModelFailed("CUT"), ModelUnavailable("UNREACHABLE")])
async def test_after_some_failures_in_a_row_nobody_is_let_through(error: Exception) -> None:
    inner = BilledModel([raising(error)])
    model = Gated(inner, Gate("double", failures=3))
    reasons = [await reason_of(model) for _ in range(6)]
    assert inner.calls == 3
    assert reasons[3:] == ["BREAKER_OPEN"] * 3


@pytest.mark.parametrize("reason", ["TOO_LONG", "REFUSED", "REQUEST_REFUSED"])
async def test_what_is_the_orders_own_fault_opens_no_breaker(reason: str) -> None:
    inner = BilledModel([raising(ModelFailed(reason))])
    model = Gated(inner, Gate("double", failures=2))
    assert [await reason_of(model) for _ in range(5)] == [reason] * 5


async def test_an_answer_in_between_begins_the_count_anew() -> None:
    inner = BilledModel([TIMEOUT, good, TIMEOUT, good])
    model = Gated(inner, Gate("double", failures=2))
    assert [await reason_of(model) for _ in range(4)] == ["TIMEOUT", "ANSWERED"] * 2


@dataclass
class Slow(BilledModel):
    """Answers when it is let."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        if self.calls:
            await self.go_on.wait()
        return await super().write(request, complaints)


async def test_after_a_rest_one_is_tried_while_the_others_wait_and_its_answer_lets_all_through() -> None:
    inner = Slow([TIMEOUT, good])
    model = Gated(inner, Gate("double", failures=1, rest_seconds=1))
    assert await reason_of(model) == "TIMEOUT"
    assert await reason_of(model) == "BREAKER_OPEN"
    await asyncio.sleep(1.1)
    probe = asyncio.create_task(reason_of(model))
    await asyncio.sleep(0)
    while not model.gate._probing:
        await asyncio.sleep(0.01)
    assert [await reason_of(model) for _ in range(3)] == ["BREAKER_OPEN"] * 3
    inner.go_on.set()
    assert await probe == "ANSWERED"
    assert await reason_of(model) == "ANSWERED"
    assert await model.gate.state() == "closed"


async def test_a_try_after_the_rest_that_fails_shuts_it_again() -> None:
    inner = BilledModel([TIMEOUT])
    model = Gated(inner, Gate("double", failures=1, rest_seconds=1))
    await reason_of(model)
    await asyncio.sleep(1.1)
    assert await reason_of(model) == "TIMEOUT"
    assert await reason_of(model) == "BREAKER_OPEN"


async def test_who_is_stopped_while_waiting_says_nothing_of_the_provider() -> None:
    inner = Slow([good])
    inner.complaints.append(())
    model = Gated(inner, Gate("double", failures=1))
    waiting = asyncio.create_task(model.write(request_for()))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await model.gate.state() == "closed"
