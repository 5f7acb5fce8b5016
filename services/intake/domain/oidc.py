"""Signing in at the pharmacy's identity provider: what is decided about its answers. The calls are in adapters/oidc.py."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.security import ROLES

_CLOCK_SKEW_SECONDS = 60.0
_LONGEST_USERNAME = 200


class NotSignedIn(Exception):
    """The provider's answer does not hold; the message says what, never what was in it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one browser's sign-in must bring back. It waits in that browser's own cookie, sealed."""

    state: str
    nonce: str
    verifier: str
    then: str
    """The page to go on with."""

    @property
    def challenge(self) -> str:
        """PKCE, S256: who steals the code cannot redeem it."""
        return urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    roles: frozenset[str]


def checked(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> Mapping[str, Any]:
    """The claims of an ID token whose signature holds, or NotSignedIn: by OpenID Connect Core 3.1.3.7."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    expires = claims.get("exp")
    if claims.get("iss") != issuer:
        raise NotSignedIn("another issuer")
    if client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != client_id):
        raise NotSignedIn("made for another client")
    if not isinstance(expires, int | float) or expires + _CLOCK_SKEW_SECONDS <= now:
        raise NotSignedIn("expired")
    if not same(claims.get("nonce"), nonce):
        raise NotSignedIn("made for another sign-in")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise NotSignedIn("about nobody")
    return claims


def same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def person_in(claims: Mapping[str, Any], username_claim: str, roles_claim: str, names: Mapping[str, str]) -> Person:
    """Who it is and what they may. `names`: the provider's name of each role, where it has another than ours."""
    username = claims.get(username_claim)
    if not isinstance(username, str) or not username.strip() or not username.isprintable():
        username = claims["sub"]
    granted = value_at(claims, roles_claim)
    granted = granted if isinstance(granted, list) else [granted]
    return Person(username[:_LONGEST_USERNAME], frozenset(role for role in ROLES if names.get(role, role) in granted))


def value_at(claims: Mapping[str, Any], path: str) -> Any:
    """`realm_access.roles`: a dot goes one level down, unless the claim itself is called so."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def own_page(path: str | None) -> str:
    """Only a page of ours: an address that leads elsewhere would make a sign-in link a trap."""
    mine = (
        path and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    )
    return path if path and mine else "/"
