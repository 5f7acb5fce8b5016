"""An OpenID Connect provider: discovery, the authorization code with PKCE, its keys, and what it says of a person."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.errors import Unavailable
from chassis.telemetry import log
from services.intake.domain.oidc import Attempt, NotSignedIn, Person, checked, person_in, value_at

# Signatures only: no shared secret, and never "none".
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
_REMEMBERED_SECONDS = 3600.0
_KEYS_ASKED_AGAIN_AFTER = 30.0
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class OidcAccess:
    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str
    redirect_uri: str
    username_claim: str
    roles_claim: str
    role_names: Mapping[str, str]


@dataclass
class OidcProvider:
    access: OidcAccess
    transport: httpx2.AsyncBaseTransport | None = None
    _about: dict[str, Any] = field(default_factory=dict)
    _keys: KeySet | None = None
    _asked_at: dict[str, float] = field(default_factory=dict)

    async def begin(self, then: str) -> tuple[str, Attempt]:
        """Where the browser goes, and what it must bring back."""
        attempt = Attempt(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48), then)
        asked = {
            "response_type": "code",
            "client_id": self.access.client_id,
            "redirect_uri": self.access.redirect_uri,
            "scope": self.access.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        endpoint = (await self._provider())["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", attempt

    async def finish(self, code: str, attempt: Attempt) -> Person:
        """Redeems the code. NotSignedIn where anything about the answer is wrong; Unavailable where there is none."""
        tokens = await self._redeem(code, attempt)
        claims = dict(
            checked(
                await self._verified(tokens.get("id_token")),
                self.access.issuer,
                self.access.client_id,
                attempt.nonce,
                time.time(),
            )
        )
        if value_at(claims, self.access.roles_claim) is None:
            claims |= await self._more_about(claims["sub"], tokens.get("access_token"))
        return person_in(claims, self.access.username_claim, self.access.roles_claim, self.access.role_names)

    async def _redeem(self, code: str, attempt: Attempt) -> dict[str, Any]:
        about = await self._provider()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.access.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        basic: httpx2.BasicAuth | None = None
        secret, methods = self.access.client_secret, about.get("token_endpoint_auth_methods_supported")
        if secret is None:
            form["client_id"] = self.access.client_id
        elif methods and "client_secret_basic" not in methods:
            form |= {"client_id": self.access.client_id, "client_secret": secret}
        else:
            basic = httpx2.BasicAuth(quote(self.access.client_id, safe=""), quote(secret, safe=""))
        return await self._ask("POST", about["token_endpoint"], data=form, auth=basic)

    async def _more_about(self, subject: str, access_token: object) -> dict[str, Any]:
        """From the userinfo endpoint: many providers keep an ID token small."""
        endpoint = (await self._provider()).get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not isinstance(access_token, str):
            return {}
        claims = await self._ask("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if claims.get("sub") != subject:
            raise NotSignedIn("the provider speaks of somebody else")
        return claims

    # ── what the provider says of itself ───────────────────────────────────────────────────────────────────────

    async def _provider(self) -> dict[str, Any]:
        if not self._about or self._is_old("about", _REMEMBERED_SECONDS):
            about = await self._ask("GET", self.access.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if about.get("issuer") != self.access.issuer:
                raise NotSignedIn("the provider calls itself otherwise than OIDC_ISSUER does")
            self._about, self._asked_at["about"] = about, time.monotonic()
        return self._about

    async def _verified(self, id_token: object) -> dict[str, Any]:
        if not isinstance(id_token, str):
            raise NotSignedIn("no ID token")
        keys = self._keys
        if keys is None or self._is_old("keys", _REMEMBERED_SECONDS):
            keys = await self._fresh_keys()
        try:
            return _signed_claims(id_token, keys)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            if not self._is_old("keys", _KEYS_ASKED_AGAIN_AFTER):
                raise NotSignedIn("a signature that does not hold") from None
        # Signed with a key that the provider has made since.
        try:
            return _signed_claims(id_token, await self._fresh_keys())
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise NotSignedIn("a signature that does not hold") from None

    async def _fresh_keys(self) -> KeySet:
        found = await self._ask("GET", (await self._provider())["jwks_uri"])
        self._keys = KeySet.import_key_set(cast("Any", found))
        self._asked_at["keys"] = time.monotonic()
        return self._keys

    def _is_old(self, what: str, seconds: float) -> bool:
        return time.monotonic() - self._asked_at.get(what, float("-inf")) > seconds

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, transport=self.transport) as client:
                answer = await client.request(
                    method, url, headers={"Accept": "application/json", **more.pop("headers", {})}, **more
                )
                body = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            log.warning("oidc.away", exc=error)
            raise Unavailable("The sign-in provider does not answer. Try again.") from None
        if answer.status_code >= 500:
            raise Unavailable("The sign-in provider does not answer. Try again.")
        if answer.status_code >= 400 or not isinstance(body, dict):
            log.warning("oidc.refused", status=answer.status_code, path=answer.request.url.path)
            raise NotSignedIn("the provider refused")
        return body


def _signed_claims(id_token: str, keys: KeySet) -> dict[str, Any]:
    return dict(jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims)
