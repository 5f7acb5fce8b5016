"""Who is calling: what a token must be, and what a browser may be made to send."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from chassis.errors import ApplicationError, Unauthenticated
from chassis.idempotency import error_answer
from chassis.ids import new_id
from chassis.security import (
    ROLES,
    SESSION_COOKIE,
    Caller,
    TokenSigner,
    TokenVerifier,
    caller_of,
    new_signing_key,
    staff,
    staff_or_partner,
)

pytestmark = pytest.mark.anyio

_SIGNER = TokenSigner(new_signing_key())


def _verifier() -> TokenVerifier:
    return TokenVerifier(_SIGNER.public_keys())


def _parts(token: str) -> list[Any]:
    return [json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def _packed(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _signed(claims: dict[str, Any], signer: TokenSigner = _SIGNER) -> str:
    full = {"iss": "careplan", "sub": "ana", "jti": str(new_id()), "exp": int(time.time()) + 60} | claims
    header = {"alg": "Ed25519", "kid": signer.key.kid}
    return jwt.encode(header, {k: v for k, v in full.items() if v is not None}, signer.key, algorithms=["Ed25519"])


def test_a_staff_token_names_its_roles_and_a_partner_key_its_source() -> None:
    token_id = new_id()
    caller = _verifier().verify(_SIGNER.sign("jane", 60, roles=frozenset({"pharmacist"}), token_id=token_id))
    assert (caller.subject, caller.token_id, caller.is_partner) == ("jane", token_id, False)
    assert caller.may("pharmacist")
    assert not caller.may("analyst")
    partner = _verifier().verify(_SIGNER.sign("clinic key", 60, source="clinic"))
    assert (partner.source, partner.is_partner, partner.roles) == ("clinic", True, frozenset())


def test_an_admin_may_everything_and_nobody_without_roles_anything() -> None:
    admin = _verifier().verify(_SIGNER.sign("root", 60, roles=frozenset({"admin"})))
    nobody = _verifier().verify(_SIGNER.sign("new", 60))
    assert all(admin.may(role) for role in ROLES)
    assert not any(nobody.may(role) for role in ROLES)


def test_a_token_that_has_expired_is_refused_also_when_it_was_good_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unauthenticated):
        _verifier().verify(_SIGNER.sign("jane", -1))
    with pytest.raises(Unauthenticated):
        _verifier().verify(_signed({"exp": int(time.time())}))
    verifier, token, over = _verifier(), _signed({}), time.time() + 60
    verifier.verify(token)
    monkeypatch.setattr("chassis.security.time.time", lambda: over)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_a_revoked_token_is_refused_from_the_moment_it_is_known() -> None:
    revoked: set[UUID] = set()
    verifier = TokenVerifier(_SIGNER.public_keys(), lambda token_id: token_id in revoked)
    token_id = new_id()
    token = _SIGNER.sign("jane", 60, token_id=token_id)
    verifier.verify(token)
    revoked.add(token_id)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_a_changed_token_is_refused_wherever_it_was_changed() -> None:
    header, claims, signature = _SIGNER.sign("jane", 60, roles=frozenset({"assistant"})).split(".")
    raised = _packed(_parts(f"{header}.{claims}.x")[1] | {"roles": ["admin"]})
    for token in (
        f"{header}.{raised}.{signature}",
        f"{header}.{claims}.{signature[:-4]}AAAA",
        f"{header}.{claims}.",
        f"{header}.{claims}",
    ):
        with pytest.raises(Unauthenticated):
            _verifier().verify(token)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES256", "EdDSA"])
def test_no_other_algorithm_is_accepted(algorithm: str) -> None:
    header, claims, signature = _SIGNER.sign("jane", 60, roles=frozenset({"admin"})).split(".")
    other = _packed(_parts(f"{header}.{claims}.x")[0] | {"alg": algorithm})
    for token in (f"{other}.{claims}.{signature}", f"{other}.{claims}."):
        with pytest.raises(Unauthenticated):
            _verifier().verify(token)


def test_the_public_key_does_not_serve_as_a_shared_secret() -> None:
    secret = OctKey.import_key(_SIGNER.public_keys())
    forged = jwt.encode({"alg": "HS256"}, {"iss": "careplan", "sub": "x", "jti": str(new_id()), "exp": 9e9}, secret)
    with pytest.raises(Unauthenticated):
        _verifier().verify(forged)


def test_tokens_of_another_key_or_issuer_are_refused() -> None:
    stranger = TokenSigner(new_signing_key())
    same_name = _signed({}, stranger).replace(str(stranger.key.kid), str(_SIGNER.key.kid))
    for token in (_signed({}, stranger), same_name, _signed({"iss": "another product"}), _signed({"iss": None})):
        with pytest.raises(Unauthenticated):
            _verifier().verify(token)


@pytest.mark.parametrize(
    "claims",
    [{"sub": None}, {"jti": None}, {"exp": None}, {"jti": "7"}, {"jti": 7}, {"exp": "soon"}, {"roles": 7}],
    ids=str,
)
def test_a_token_without_what_every_token_has_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        _verifier().verify(_signed(claims))


def test_keys_rotate_the_old_one_is_read_until_it_is_taken_away() -> None:
    new = TokenSigner(new_signing_key())
    both = json.dumps({"keys": [json.loads(s.public_keys())["keys"][0] for s in (new, _SIGNER)]})
    assert TokenVerifier(both).verify(_SIGNER.sign("jane", 60)).subject == "jane"
    assert TokenVerifier(both).verify(new.sign("jane", 60)).subject == "jane"
    with pytest.raises(Unauthenticated):
        TokenVerifier(new.public_keys()).verify(_SIGNER.sign("jane", 60))


def test_public_keys_hold_nothing_private() -> None:
    assert all("d" not in key for key in json.loads(_SIGNER.public_keys())["keys"])


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(st.binary(max_size=40), min_size=3, max_size=3))
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_else(sent: str | list[bytes]) -> None:
    text = sent if isinstance(sent, str) else ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in sent)
    with pytest.raises(Unauthenticated):
        _verifier().verify(text)


@pytest.mark.parametrize("header", [[], 1, "x", None, {}, {"alg": 7}, {"alg": "Ed25519", "kid": []}], ids=str)
def test_a_header_of_any_json_is_refused(header: Any) -> None:
    _, claims, signature = _SIGNER.sign("jane", 60).split(".")
    with pytest.raises(Unauthenticated):
        _verifier().verify(f"{_packed(header)}.{claims}.{signature}")


# ── over HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────

_Anyone = Annotated[Caller, Depends(caller_of)]
_Pharmacist = Annotated[Caller, Depends(staff("pharmacist"))]
_SubmittingCaller = Annotated[Caller, Depends(staff_or_partner("assistant"))]


@pytest.fixture
def client() -> Iterator[httpx2.AsyncClient]:
    app, router = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False}), APIRouter()
    app.state.tokens = _verifier()

    @app.exception_handler(ApplicationError)
    async def _(_: object, error: ApplicationError) -> Any:
        return error_answer(error).response()

    @router.api_route("/anyone", methods=["GET", "POST", "DELETE"])
    async def anyone(caller: _Anyone) -> str:
        return caller.subject

    @router.get("/pharmacist")
    async def pharmacist(caller: _Pharmacist) -> str:
        return caller.subject

    @router.get("/submit")
    async def submit(caller: _SubmittingCaller) -> str:
        return caller.subject

    app.include_router(router)
    yield httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pharmacy.example")


def _bearer(*roles: str, source: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {_SIGNER.sign('jane', 86_400, roles=frozenset(roles), source=source)}"}


_COOKIE = {"Cookie": f"{SESSION_COOKIE}={_SIGNER.sign('jane', 86_400)}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic amFuZTp4"},
        {"Cookie": f"{SESSION_COOKIE}=x"},
        {"Cookie": f"{SESSION_COOKIE}="},
    ],
    ids=str,
)
async def test_no_or_bad_credentials_are_401(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/anyone", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_bad_bearer_token_is_not_saved_by_a_good_cookie(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/anyone", headers=_COOKIE | {"Authorization": "Bearer x"})).status_code == 401


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/pharmacist", _bearer("pharmacist"), 200),
        ("/pharmacist", _bearer("admin"), 200),
        ("/pharmacist", _bearer("assistant", "analyst"), 403),
        ("/pharmacist", _bearer(source="clinic"), 403),
        ("/submit", _bearer("assistant"), 200),
        ("/submit", _bearer(source="clinic"), 200),
        ("/submit", _bearer("analyst"), 403),
        ("/submit", _bearer(), 403),
    ],
)
async def test_the_wrong_role_is_403(
    client: httpx2.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await client.get(path, headers=headers)).status_code == status


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://pharmacy.example"}, 200),
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://pharmacy.example.evil.example"}, 403),
        ({"Origin": "http://pharmacy.example:8081"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
    ids=str,
)
async def test_a_change_on_the_strength_of_a_cookie_must_come_from_our_own_pages(
    client: httpx2.AsyncClient, method: str, headers: dict[str, str], status: int
) -> None:
    assert (await client.request(method, "/anyone", headers=_COOKIE | headers)).status_code == status


async def test_reading_by_cookie_and_changing_by_token_ask_for_no_origin(client: httpx2.AsyncClient) -> None:
    evil = {"Origin": "http://evil.example"}
    assert (await client.get("/anyone", headers=_COOKIE | evil)).status_code == 200
    assert (await client.post("/anyone", headers=_bearer() | evil)).status_code == 200
