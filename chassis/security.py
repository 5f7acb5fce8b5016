"""Who is calling, and may they: signed, self-contained tokens that every service verifies alone.

A session cookie, a staff member's bearer token and a partner's key are all the same thing: a JWT signed with Ed25519
by intake, which keeps the accounts. A service needs the public key and nothing else.
"""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from chassis.audit.entry import current
from chassis.errors import Forbidden, Unauthenticated
from chassis.ids import new_id
from chassis.rate_limits import RateLimit

Role = Literal["assistant", "pharmacist", "analyst", "admin"]
ROLES: tuple[Role, ...] = ("assistant", "pharmacist", "analyst", "admin")
SESSION_COOKIE = "careplan_session"
_ALGORITHM = "Ed25519"
_ISSUER = "careplan"
_REMEMBERED_TOKENS = 10_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A staff member (`roles`) or a partner (`source`), never both."""

    subject: str
    token_id: UUID
    expires_at: float
    roles: frozenset[str] = frozenset()
    source: str | None = None

    @property
    def key(self) -> str:
        """Two requests with the same one are the same caller's."""
        return f"partner:{self.source}" if self.source is not None else f"staff:{self.subject}"

    @property
    def acting_as(self) -> str:
        """As the audit says it."""
        return f"source {self.source}" if self.source is not None else ", ".join(sorted(self.roles))

    @property
    def is_partner(self) -> bool:
        return self.source is not None

    def may(self, *roles: Role) -> bool:
        return "admin" in self.roles or not self.roles.isdisjoint(roles)


def new_signing_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", auto_kid=True)


@dataclass(frozen=True)
class TokenSigner:
    """Makes tokens; only intake holds one."""

    key: OKPKey

    @classmethod
    def from_json(cls, private_jwk: str) -> "TokenSigner":
        return cls(OKPKey.import_key(json.loads(private_jwk)))

    @property
    def key_id(self) -> str:
        return str(self.key.kid)

    def public_keys(self) -> str:
        return json.dumps({"keys": [self.key.as_dict(private=False)]})

    def sign(
        self,
        subject: str,
        lifetime_seconds: float,
        *,
        roles: frozenset[str] = frozenset(),
        source: str | None = None,
        token_id: UUID | None = None,
        issued_at: float | None = None,
    ) -> str:
        """The same arguments give the same token: one that was shown once can be made again, and is nowhere kept."""
        now = time.time() if issued_at is None else issued_at
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "sub": subject,
            "jti": str(token_id or new_id()),
            "iat": int(now),
            "exp": int(now + lifetime_seconds),
        }
        claims |= {"source": source} if source else {"roles": sorted(roles)}
        return jwt.encode({"alg": _ALGORITHM, "kid": self.key.kid}, claims, self.key, algorithms=[_ALGORITHM])


def rotated(public_keys: str) -> tuple[str, str]:
    """A new private key, and the key set with its public half first: what the older ones signed is good until it ends."""
    key = new_signing_key()
    older = json.loads(public_keys)["keys"]
    return json.dumps(key.as_dict(private=True)), json.dumps({"keys": [key.as_dict(private=False), *older]})


def retired(private_key: str, public_keys: str, key_id: str) -> str:
    """The key set without that key: whatever it signed is refused. ValueError where it is the one that signs, or unknown."""
    keys = json.loads(public_keys)["keys"]
    if key_id == OKPKey.import_key(json.loads(private_key)).kid:
        raise ValueError("This is the key that signs: rotate first.")
    if key_id not in [key.get("kid") for key in keys]:
        raise ValueError("There is no such key: " + ", ".join(str(key.get("kid")) for key in keys))
    return json.dumps({"keys": [key for key in keys if key.get("kid") != key_id]})


class TokenVerifier:
    """Turns a token into its Caller, or raises Unauthenticated. Remembers tokens it has verified: Ed25519 is not free."""

    def __init__(self, public_keys: str, is_revoked: Callable[[UUID], bool] = lambda _: False) -> None:
        self._keys = KeySet.import_key_set(json.loads(public_keys))
        self._is_revoked = is_revoked
        self._verified: dict[str, Caller] = {}

    def verify(self, token: str) -> Caller:
        caller = self._verified.get(token)
        if caller is None:
            caller = self._read(token)
            if len(self._verified) >= _REMEMBERED_TOKENS:
                self._verified.clear()
            self._verified[token] = caller
        if caller.expires_at <= time.time() or self._is_revoked(caller.token_id):
            raise Unauthenticated("The token has expired or was revoked: sign in again.")
        return caller

    def _read(self, token: str) -> Caller:
        try:
            claims = jwt.decode(token, self._keys, algorithms=[_ALGORITHM]).claims
            if claims["iss"] != _ISSUER:
                raise ValueError
            return Caller(
                subject=str(claims["sub"]),
                token_id=UUID(claims["jti"]),
                expires_at=float(claims["exp"]),
                roles=frozenset(claims.get("roles", ())),
                source=claims.get("source"),
            )
        except (JoseError, KeyError, ValueError, TypeError, AttributeError):
            raise Unauthenticated("The token is not one of ours, or was changed.") from None


async def caller_of(request: Request) -> Caller:
    """The dependency of every route that is not open: the caller by bearer token, else by session cookie.

    Asynchronous like all dependencies here: FastAPI would run a plain function in a thread, at many times its cost.
    """
    caller = _authenticated(request)
    entry = current()
    if entry is not None:
        entry.who(caller.subject, caller.acting_as, caller.token_id)
    limit: RateLimit | None = getattr(request.app.state, "rate_limit", None)
    if limit is not None:
        await limit.count(caller.key)
    return caller


def _authenticated(request: Request) -> Caller:
    verifier: TokenVerifier = request.app.state.tokens
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        return verifier.verify(token.strip())
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise Unauthenticated
    caller = verifier.verify(cookie)
    if request.method not in _SAFE_METHODS:
        refuse_other_origins(request)
    return caller


def refuse_other_origins(request: Request) -> None:
    """A browser sends the cookie whoever wrote the page: what changes something must come from our own pages."""
    origin = request.headers.get("origin")
    if origin is None:
        foreign = request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    else:
        foreign = origin.partition("://")[2] != request.headers.get("host")
    if foreign:
        raise Forbidden("A request that changes something must come from this site itself.")


def staff(*roles: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: a staff member with one of `roles` (an admin may everything)."""

    async def check(request: Request) -> Caller:
        caller = await caller_of(request)
        if caller.is_partner or not caller.may(*roles):
            raise Forbidden("Your role may not do this.")
        return caller

    return check


def staff_or_partner(*roles: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: any partner (the use case shows it only its own), or a staff member with one of `roles`."""

    async def check(request: Request) -> Caller:
        caller = await caller_of(request)
        if not caller.is_partner and not caller.may(*roles):
            raise Forbidden("Your role may not do this.")
        return caller

    return check
