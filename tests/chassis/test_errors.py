"""Every error that leaves the product has one form."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Query, Request

from chassis import errors
from chassis.audit.recorder import Recorder
from chassis.crypto import Keyring, new_key
from chassis.database import COLLISIONS, OUTAGES, Database
from chassis.errors import ApplicationError, Fault, InvalidInput
from chassis.idempotency import error_answer
from chassis.messaging.codec import Codec
from chassis.security import TokenSigner, TokenVerifier, new_signing_key
from chassis.telemetry import Tracing
from chassis.web import create_app, read_body

pytestmark = pytest.mark.anyio

_WAITING_HELPS = (*OUTAGES, *COLLISIONS)
_SECRET = "Ana Bell 012345"

_EXAMPLES: dict[str, ApplicationError] = {
    "ApplicationError": ApplicationError("Something went wrong."),
    "Rejected": errors.Rejected("No."),
    "InvalidInput": InvalidInput([Fault("provider.npi", "NPI_FORMAT", "An NPI has 10 digits.")]),
    "Blocked": errors.Blocked("PROVIDER_NPI_CONFLICT", "It is registered.", {"blocks": []}, {"Location": "/x"}),
    "NeedsConfirmation": errors.NeedsConfirmation("DUPLICATE", "Seen before.", {"warnings": []}, {"Location": "/x"}),
    "Unauthenticated": errors.Unauthenticated(),
    "Forbidden": errors.Forbidden("Your role may not do this."),
    "NotFound": errors.NotFound(),
    "MethodNotAllowed": errors.MethodNotAllowed("Not that method."),
    "WrongState": errors.WrongState("It was confirmed before."),
    "TooLarge": errors.TooLarge(2_097_152),
    "UnsupportedMediaType": errors.UnsupportedMediaType("Not that type."),
    "IdempotencyKeyReused": errors.IdempotencyKeyReused(),
    "RateLimited": errors.RateLimited(7),
    "Unavailable": errors.Unavailable(),
}
_EXPECTED = {
    "ApplicationError": (500, "error", "INTERNAL"),
    "InvalidInput": (400, "validation", "VALIDATION"),
    "Blocked": (409, "block", "PROVIDER_NPI_CONFLICT"),
    "NeedsConfirmation": (409, "warning", "DUPLICATE"),
    "Unauthenticated": (401, "error", "UNAUTHENTICATED"),
    "Forbidden": (403, "error", "FORBIDDEN"),
    "NotFound": (404, "error", "NOT_FOUND"),
    "MethodNotAllowed": (405, "error", "METHOD_NOT_ALLOWED"),
    "WrongState": (409, "error", "WRONG_STATE"),
    "TooLarge": (413, "error", "TOO_LARGE"),
    "UnsupportedMediaType": (415, "error", "UNSUPPORTED_MEDIA_TYPE"),
    "IdempotencyKeyReused": (422, "error", "IDEMPOTENCY_KEY_REUSED"),
    "RateLimited": (429, "error", "RATE_LIMITED"),
    "Unavailable": (503, "error", "UNAVAILABLE"),
}


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/raise/{name}")
    async def raise_it(name: str) -> None:
        raise _EXAMPLES[name]

    @router.get("/defect")
    async def defect() -> None:
        raise RuntimeError(f"SELECT * FROM orders WHERE name = '{_SECRET}'")

    @router.get("/outage/{name}")
    async def outage(name: str) -> None:
        raise {error.__name__: error for error in _WAITING_HELPS}[name](_SECRET)

    @router.get("/surrogate")
    async def surrogate() -> None:
        raise InvalidInput([Fault("patient.\ud800", "UNKNOWN_FIELD", "There is no \x00 such field.")])

    @router.get("/parameters")
    async def parameters(limit: int, since: Annotated[int, Query(ge=1)]) -> None: ...

    @router.post("/body")
    async def body(request: Request) -> int:
        return len(await read_body(request, limit=10))

    return router


def _app(server_url: str = "postgresql://nobody@127.0.0.1:1/none", metrics_token: str | None = None) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    database = Database(server_url, Codec("intake", Keyring.parse(f"one:{new_key()}")))
    return create_app(
        "intake",
        [_router()],
        database=database,
        audit=Recorder(database),
        rate_limit=None,
        tokens=TokenVerifier(TokenSigner(new_signing_key()).public_keys()),
        tracing=Tracing("intake", 1.0, None),
        lifespan=lifespan,
        metrics_token=metrics_token,
    )


@pytest.fixture
def client() -> Iterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(_app(), raise_app_exceptions=False)
    yield httpx2.AsyncClient(transport=transport, base_url="http://intake")


def _form(answer: httpx2.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "code", "message", "detail", "trace_id"}
    assert len(body["trace_id"]) == 32
    assert int(body["trace_id"], 16) > 0
    assert isinstance(body["detail"], dict)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/json"
    return body


def _all_classes(base: type[ApplicationError] = ApplicationError) -> set[type[ApplicationError]]:
    return {base}.union(
        *(_all_classes(below) for below in base.__subclasses__() if below.__module__ == "chassis.errors")
    )


def test_every_class_of_the_tree_has_an_example_here() -> None:
    assert {error.__name__ for error in _all_classes()} == set(_EXAMPLES)


@pytest.mark.parametrize("name", _EXPECTED)
async def test_every_class_is_answered_in_the_one_form(client: httpx2.AsyncClient, name: str) -> None:
    answer = await client.get(f"/raise/{name}")
    body = _form(answer)
    assert (answer.status_code, body["type"], body["code"]) == _EXPECTED[name]
    assert body["message"] == _EXAMPLES[name].message
    for header, value in _EXAMPLES[name].headers.items():
        assert answer.headers[header] == value


async def test_an_unavailable_part_says_when_to_try_again(client: httpx2.AsyncClient) -> None:
    assert int((await client.get("/raise/Unavailable")).headers["Retry-After"]) > 0


async def test_a_defect_says_nothing_of_its_cause(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/defect")
    assert answer.status_code == 500
    assert _form(answer)["code"] == "INTERNAL"
    assert "SELECT" not in answer.text
    assert "Ana" not in answer.text


@pytest.mark.parametrize("outage", sorted({error.__name__ for error in _WAITING_HELPS}))
async def test_an_absent_database_and_a_lost_race_are_503_with_retry_after_and_no_details(
    client: httpx2.AsyncClient, outage: str
) -> None:
    answer = await client.get(f"/outage/{outage}")
    assert answer.status_code == 503
    assert _form(answer)["code"] == "UNAVAILABLE"
    assert answer.headers["Retry-After"]
    assert "Ana" not in answer.text


async def test_readiness_is_503_while_the_database_is_away_and_liveness_is_not(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200


async def test_what_a_client_sent_is_echoed_even_where_it_is_no_unicode(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/surrogate")
    assert answer.status_code == 400
    assert _form(answer)["detail"]["errors"][0]["code"] == "UNKNOWN_FIELD"


async def test_all_faults_of_the_parameters_are_told_at_once(client: httpx2.AsyncClient) -> None:
    body = _form(await client.get("/parameters?since=0"))
    assert {(fault["field"], fault["code"]) for fault in body["detail"]["errors"]} == {
        ("limit", "REQUIRED"),
        ("since", "VALUE"),
    }


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/defect", 405)])
async def test_unknown_addresses_and_methods_have_the_form_too(
    client: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    _form(answer)


async def test_a_body_over_the_limit_is_413_whether_it_says_its_length_or_not(client: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"12345"

    assert (await client.post("/body", content=b"1234567890")).json() == 10
    for content in (b"12345678901", chunks()):
        answer = await client.post("/body", content=content)
        assert (answer.status_code, _form(answer)["code"]) == (413, "TOO_LARGE")


async def test_the_trace_of_the_caller_is_the_trace_of_the_error(client: httpx2.AsyncClient) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    answer = await client.get("/raise/NotFound", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    assert _form(answer)["trace_id"] == trace_id


async def test_a_path_with_patient_data_is_no_metric_label(client: httpx2.AsyncClient) -> None:
    await client.get("/raise/NotFound?q=Ana+Bell")
    await client.get("/nowhere/Ana-Bell")
    transport = httpx2.ASGITransport(_app(), client=("127.0.0.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://intake") as operator:
        metrics = (await operator.get("/metrics")).text
    assert "careplan_http_request_seconds" in metrics
    assert "Bell" not in metrics


async def test_metrics_are_open_on_loopback_only() -> None:
    for address, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 403)):
        transport = httpx2.ASGITransport(_app(), client=(address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://intake") as caller:
            assert (await caller.get("/metrics")).status_code == status


async def test_metrics_are_open_to_a_scraper_elsewhere_with_the_token_and_to_nobody_behind_a_proxy() -> None:
    token = "only-prometheus-has-this"
    for address, headers, status in (
        ("10.0.0.7", {"authorization": f"Bearer {token}"}, 200),
        ("10.0.0.7", {"authorization": "Bearer another"}, 403),
        ("10.0.0.7", {"authorization": "Bearer None"}, 403),
        ("127.0.0.1", {"x-forwarded-for": "10.0.0.7"}, 403),
    ):
        transport = httpx2.ASGITransport(_app(metrics_token=token), client=(address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://intake", headers=headers) as caller:
            assert (await caller.get("/metrics")).status_code == status, (address, headers)


def test_refusals_of_the_database_that_waiting_does_not_mend_are_no_outages() -> None:
    assert not issubclass(asyncpg.UniqueViolationError, OUTAGES)
    assert not issubclass(asyncpg.UndefinedTableError, OUTAGES)
    assert issubclass(asyncpg.DiskFullError, OUTAGES)
    assert issubclass(asyncpg.CannotConnectNowError, OUTAGES)
    assert issubclass(asyncpg.PostgresIOError, OUTAGES), "a read error of the disk"


def test_error_bodies_are_json_with_every_letter_as_it_is() -> None:
    assert "Zażółć" in error_answer(errors.WrongState("Zażółć")).body
    assert json.loads(error_answer(errors.WrongState("Zażółć")).body)["message"] == "Zażółć"
