"""What intake answers while everybody behind it is away: the order is taken, and who waits is not kept for ever."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest

from local.serve import build_service
from tests.support.orders import events_in, new_order
from tests.support.stack import NO_BROKER, environments, serving, token


@pytest.fixture
async def intake(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Intake and its database alone: no broker, nobody who decides."""
    settings = environments(database_url, NO_BROKER, embedded_broker=True)["intake"]
    async with serving(build_service("intake", settings)) as url:
        headers = {"Authorization": f"Bearer {token('assistant')}"}
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=40) as client:
            yield client


async def test_an_order_is_taken_while_the_broker_is_away(intake: httpx2.AsyncClient) -> None:
    """P9."""
    assert (await intake.get("/health/ready")).status_code == 200
    answer = await intake.post("/api/orders", json=new_order())
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert (await intake.get(answer.headers["location"])).json()["status"] == "pending"


async def test_when_the_time_is_up_the_answer_is_the_plain_202(intake: httpx2.AsyncClient) -> None:
    order, started = new_order(), time.monotonic()
    headers = {"Prefer": "wait=1", "Idempotency-Key": "k"}
    answers = await asyncio.gather(*(intake.post("/api/orders", json=order, headers=headers) for _ in range(3)))
    assert 0.9 < time.monotonic() - started < 25, "the second that was asked for, not the longest there is"
    for answer in answers:
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert "preference-applied" not in answer.headers
        assert answer.content == answers[0].content
    again = await intake.post("/api/orders", json=order, headers={"Idempotency-Key": "k"})
    assert again.content == answers[0].content


async def test_a_stream_shows_the_order_at_once_though_nothing_moves(intake: httpx2.AsyncClient) -> None:
    order_id = (await intake.post("/api/orders", json=new_order())).json()["order_id"]
    lines = []
    async with asyncio.timeout(60), intake.stream("GET", f"/api/orders/{order_id}/events") as answer:
        async for line in answer.aiter_lines():
            lines.append(line)
            if line.startswith("data:"):
                break
    [(name, shown)] = events_in(lines)
    assert (name, shown["status"]) == ("order", "pending")
