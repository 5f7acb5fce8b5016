"""Too often is 429 with the time to wait; each caller has a limit of its own."""

import time
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI

from chassis.errors import ApplicationError, RateLimited
from chassis.idempotency import error_answer
from chassis.rate_limits import FailureLimit, RateLimit, readable_limit
from chassis.security import Caller, TokenSigner, TokenVerifier, caller_of, new_signing_key

pytestmark = pytest.mark.anyio
SIGNER = TokenSigner(new_signing_key())


def client_of(limit: str) -> httpx2.AsyncClient:
    app, router = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False}), APIRouter()
    app.state.tokens, app.state.rate_limit = TokenVerifier(SIGNER.public_keys()), RateLimit.of(limit)

    @app.exception_handler(ApplicationError)
    async def _(_: object, error: ApplicationError) -> Any:
        return error_answer(error).response()

    @router.get("/")
    async def anyone(caller: Annotated[Caller, Depends(caller_of)]) -> str:
        return caller.subject

    app.include_router(router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pharmacy.example")


def bearer(subject: str, source: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {SIGNER.sign(subject, 60, source=source)}"}


async def statuses(client: httpx2.AsyncClient, headers: dict[str, str], times: int) -> list[int]:
    return [(await client.get("/", headers=headers)).status_code for _ in range(times)]


class Clock:
    """Goes on when told to: how long a request takes does not count."""

    def __init__(self) -> None:
        self.now = time.time() // 3600 * 3600 + 0.3

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


async def test_one_too_many_is_429_and_says_when_to_come_again(clock: Clock) -> None:
    client = client_of("3/hour")
    assert await statuses(client, bearer("kim"), 3) == [200] * 3
    answer = await client.get("/", headers=bearer("kim"))
    assert (answer.status_code, answer.json()["code"], answer.json()["type"]) == (429, "RATE_LIMITED", "error")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600


async def test_whoever_waits_as_long_as_told_may_again(clock: Clock) -> None:
    client = client_of("2/second")
    await statuses(client, bearer("kim"), 2)
    answer = await client.get("/", headers=bearer("kim"))
    assert answer.status_code == 429
    clock.now += int(answer.headers["Retry-After"])
    assert (await client.get("/", headers=bearer("kim"))).status_code == 200


async def test_another_caller_is_not_held_up_and_a_second_key_is_no_second_allowance(clock: Clock) -> None:
    client = client_of("2/hour")
    await statuses(client, bearer("key one", source="clinic"), 2)
    assert await statuses(client, bearer("key two", source="clinic"), 1) == [429]
    assert await statuses(client, bearer("kim"), 1) == [200]
    assert await statuses(client, bearer("clinic"), 1) == [200]


async def test_without_a_limit_nobody_is_held_up() -> None:
    assert RateLimit.of("") is None
    assert set(await statuses(client_of(""), bearer("kim"), 500)) == {200}


@pytest.mark.parametrize("text", ["300/second", "6000 per minute", " 1/hour ", ""])
def test_limits_as_people_write_them(text: str) -> None:
    assert readable_limit(text) == text.strip()


@pytest.mark.parametrize("text", ["often", "300", "-1/second", "300/fortnight"])
def test_a_limit_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="not a limit"):
        readable_limit(text)


async def test_failures_count_and_successes_do_not() -> None:
    limit = FailureLimit.of("3/hour")
    for _ in range(10):
        await limit.check("kim")
    for _ in range(3):
        await limit.failed("kim")
    with pytest.raises(RateLimited) as caught:
        await limit.check("kim")
    assert 0 < int(caught.value.headers["Retry-After"]) <= 3600
    await limit.check("lee")


async def test_who_is_forgiven_begins_anew() -> None:
    limit = FailureLimit.of("1/hour")
    await limit.failed("kim")
    await limit.forgive("kim")
    await limit.check("kim")
