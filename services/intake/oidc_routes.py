"""HTTP in: signing in at the pharmacy's identity provider. Only a browser comes here, and only where it is configured."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from chassis.audit.entry import current
from chassis.crypto import CannotOpen, Keyring
from chassis.errors import Forbidden, Unauthenticated
from chassis.queries import READABLE
from chassis.telemetry import log
from services.intake.adapters.oidc import OidcProvider
from services.intake.domain.oidc import Attempt, NotSignedIn, own_page, same
from services.intake.keys import Keys
from services.intake.session_routes import set_session

START = "/api/session/oidc"
CALLBACK = f"{START}/callback"
_COOKIE = "careplan_sign_in"
_BOUND_TO = b"a sign-in at the identity provider"
_MINUTES = 10
Text = Annotated[str | None, Query(max_length=4_000, pattern=READABLE)]


@dataclass(frozen=True)
class OidcSignIn:
    """What the two routes need: the provider, and a cookie to remember an attempt in that nobody can read or make."""

    provider: OidcProvider
    keys: Keys
    keyring: Keyring
    session_seconds: float
    secure: bool
    """Cookies for TLS only."""

    def sealed(self, attempt: Attempt) -> str:
        sealed = self.keyring.seal(json.dumps(asdict(attempt)).encode(), _BOUND_TO)
        return f"{self.keyring.active}.{urlsafe_b64encode(sealed).decode()}"

    def opened(self, cookie: str | None) -> Attempt:
        key_id, _, sealed = (cookie or "").rpartition(".")
        try:
            return Attempt(**json.loads(self.keyring.open(key_id, urlsafe_b64decode(sealed), _BOUND_TO)))
        except (CannotOpen, ValueError, TypeError):
            raise NotSignedIn("this browser has not begun to sign in, or long ago") from None


def oidc_router(oidc: OidcSignIn) -> APIRouter:
    router = APIRouter(prefix=START, tags=["session"])
    to_provider: dict[int | str, Any] = {303: {"description": "To the identity provider."}}

    @router.get("", status_code=303, response_class=Response, responses=to_provider)
    async def begin_sign_in(then: Text = None) -> Response:
        """Sends the browser to the identity provider; it comes back to the page `then`."""
        try:
            url, attempt = await oidc.provider.begin(own_page(then))
        except NotSignedIn as wrong:
            raise _refused(wrong) from None
        response = RedirectResponse(url, 303)
        response.set_cookie(
            _COOKIE,
            oidc.sealed(attempt),
            max_age=_MINUTES * 60,
            path=START,
            httponly=True,
            samesite="lax",
            secure=oidc.secure,
        )
        return response

    @router.get("/callback", status_code=303, response_class=Response, responses={303: {"description": "Signed in."}})
    async def finish_sign_in(request: Request, code: Text = None, state: Text = None) -> Response:
        """Where the identity provider sends the browser back to: redeems the code, and begins a session here."""
        try:
            attempt = oidc.opened(request.cookies.get(_COOKIE))
            if not code or not same(state, attempt.state):
                raise NotSignedIn("the provider did not sign anybody in, or somebody else's browser began it")
            person = await oidc.provider.finish(code, attempt)
        except NotSignedIn as wrong:
            raise _refused(wrong) from None
        entry = current()
        if entry is not None:
            entry.who(person.username, ", ".join(sorted(person.roles)) or "nobody")
        if not person.roles:
            raise Forbidden("The identity provider gives you no role here: ask an administrator.")
        token = await oidc.keys.add_session(person.username, person.roles, oidc.session_seconds)
        response = RedirectResponse(attempt.then, 303)
        set_session(response, token, oidc.session_seconds, secure=oidc.secure)
        response.delete_cookie(_COOKIE, path=START)
        return response

    return router


def _refused(wrong: NotSignedIn) -> Unauthenticated:
    log.warning("sign_in.refused", why=str(wrong))
    return Unauthenticated(f"You were not signed in: {wrong}. Begin again at {START}.")
