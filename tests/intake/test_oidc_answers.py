"""What an identity provider, or somebody in its place, may answer: only what holds signs anybody in."""

import json
import time
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from chassis.errors import Unavailable
from services.intake.adapters.oidc import OidcAccess, OidcProvider
from services.intake.domain.oidc import Attempt, NotSignedIn, own_page, person_in, value_at

pytestmark = pytest.mark.anyio
ISSUER = "https://id.pharmacy.example"
KEY, OTHER = RSAKey.generate_key(2048, auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)
ATTEMPT = Attempt("state", "nonce", "verifier", "/")
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": "careplan", "sub": "248289", "nonce": "nonce", "roles": ["pharmacist"]}
ACCESS = OidcAccess(
    issuer=ISSUER,
    client_id="careplan",
    client_secret=None,
    scopes="openid",
    redirect_uri="https://careplans.pharmacy.example/api/session/oidc/callback",
    username_claim="preferred_username",
    roles_claim="roles",
    role_names={},
)


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {**GOOD, "exp": int(time.time()) + 86_400, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    header = {"alg": algorithm, **({"kid": key.kid} if key.kid else {})}
    return jwt.encode(header, kept, key, algorithms=[algorithm])


def provider(id_token: Any, **answers: Any) -> OidcProvider:
    """Answers as told, at the addresses that its discovery names."""
    pages = {
        "/.well-known/openid-configuration": {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/me",
            "jwks_uri": f"{ISSUER}/jwks",
        },
        "/jwks": KeySet([KEY]).as_dict(private=False),
        "/token": {"id_token": id_token, "access_token": "opaque"},
        "/me": {"sub": "248289"},
        **answers,
    }

    def answer(request: httpx2.Request) -> httpx2.Response:
        page = pages[request.url.path]
        return page if isinstance(page, httpx2.Response) else httpx2.Response(200, json=page)

    return OidcProvider(ACCESS, httpx2.MockTransport(answer))


async def test_a_token_that_holds_signs_in() -> None:
    person = await provider(token(preferred_username="kim")).finish("code", ATTEMPT)
    assert (person.username, set(person.roles)) == ("kim", {"pharmacist"})


FORGED = {
    "of another issuer": token(iss="https://id.evil.example"),
    "of no issuer": token(iss=None),
    "for another client": token(aud="another"),
    "for another client beside ours": token(aud=["careplan", "another"]),
    "for nobody": token(aud=None),
    "of another sign-in": token(nonce="another"),
    "of no sign-in": token(nonce=None),
    "long over": token(exp=int(time.time()) - 3600),
    "without end": token(exp=None),
    "with an end in words": token(exp="tomorrow"),
    "about nobody": token(sub=""),
    "by another key": token(OTHER),
    "by another key under the name of ours": jwt.encode(
        {"alg": "RS256", "kid": KEY.kid}, {**GOOD, "exp": 9e9}, OTHER, algorithms=["RS256"]
    ),
    "by the public key as a secret": token(OctKey.import_key(json.dumps(KEY.as_dict(private=False))), "HS256"),
    "unsigned": ".".join([*token().split(".")[:2], ""]),
    "no token": "x",
    "no text": 5,
    "nothing": None,
}


@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_id_token_signs_nobody_in(forged: str) -> None:
    with pytest.raises(NotSignedIn):
        await provider(FORGED[forged]).finish("code", ATTEMPT)


async def test_userinfo_adds_roles_and_must_speak_of_the_same_person() -> None:
    bare = token(roles=None)
    told = provider(bare, **{"/me": {"sub": "248289", "roles": ["admin"]}})
    assert (await told.finish("code", ATTEMPT)).roles == {"admin"}
    with pytest.raises(NotSignedIn):
        await provider(bare, **{"/me": {"sub": "another", "roles": ["admin"]}}).finish("code", ATTEMPT)


async def test_a_key_that_the_provider_made_since_is_fetched() -> None:
    rotating = provider(token())
    await rotating.finish("code", ATTEMPT)
    newer = provider(token(OTHER), **{"/jwks": KeySet([KEY, OTHER]).as_dict(private=False)})
    newer._about, newer._keys = rotating._about, rotating._keys
    newer._asked_at = {"about": time.monotonic(), "keys": time.monotonic() - 60}
    assert (await newer.finish("code", ATTEMPT)).roles == {"pharmacist"}


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal_of_the_provider_is_one_here(status: int) -> None:
    with pytest.raises(NotSignedIn):
        await provider(token(), **{"/token": httpx2.Response(status, json={"error": "invalid_grant"})}).finish(
            "x", ATTEMPT
        )


@pytest.mark.parametrize("broken", [httpx2.Response(500, json={}), httpx2.Response(200, text="<html>")], ids=str)
async def test_a_provider_that_is_broken_is_away(broken: httpx2.Response) -> None:
    with pytest.raises(Unavailable):
        await provider(token(), **{"/token": broken}).finish("x", ATTEMPT)


async def test_a_provider_that_calls_itself_otherwise_is_not_ours() -> None:
    with pytest.raises(NotSignedIn):
        await provider(token(), **{"/.well-known/openid-configuration": {"issuer": "https://id.evil.example"}}).begin(
            "/"
        )


@pytest.mark.parametrize(
    ("claims", "username", "roles"),
    [
        ({"preferred_username": "kim", "roles": ["admin", "cook"]}, "kim", {"admin"}),
        ({"preferred_username": " ", "roles": "pharmacist"}, "248289", {"pharmacist"}),
        ({"preferred_username": "kim\n", "roles": None}, "248289", set()),
        ({"preferred_username": 5, "roles": {"admin": True}}, "248289", set()),
        ({"preferred_username": "k" * 999, "roles": []}, "k" * 200, set()),
    ],
)
def test_who_it_is_and_what_they_may(claims: dict[str, Any], username: str, roles: set[str]) -> None:
    person = person_in({"sub": "248289", **claims}, "preferred_username", "roles", {})
    assert (person.username, set(person.roles)) == (username, roles)


def test_a_claim_is_found_by_its_name_or_by_its_path() -> None:
    claims = {"realm_access": {"roles": ["a"]}, "https://careplan.example/roles": ["b"]}
    assert value_at(claims, "realm_access.roles") == ["a"]
    assert value_at(claims, "https://careplan.example/roles") == ["b"]
    assert value_at(claims, "realm_access.roles.x") is None


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/orders?q=1", "/orders?q=1"),
        ("//evil", "/"),
        ("/\\evil", "/"),
        ("https://evil", "/"),
        ("/a\nb", "/"),
        (None, "/"),
    ],
)
def test_only_pages_of_ours(asked: str | None, page: str) -> None:
    assert own_page(asked) == page
