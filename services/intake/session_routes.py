"""HTTP in: signing in, who am I, signing out."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from chassis.audit.entry import NOT_AUDITED
from chassis.errors import Forbidden, Unauthenticated
from chassis.openapi import json_body
from chassis.security import SESSION_COOKIE, Caller, caller_of, refuse_other_origins
from chassis.web import read_body
from services.intake.accounts import Accounts
from services.intake.documents import WhoIAm
from services.intake.domain.credentials import Credentials, read_credentials
from services.intake.keys import Keys


@dataclass(frozen=True)
class SignIn:
    """How staff may sign in here."""

    accounts: Accounts
    keys: Keys
    with_password: bool = True
    at_provider: str | None = None
    """Where a browser begins to sign in at the identity provider; none: there is none."""
    secure: bool = False
    """Cookies for TLS only, which may end at a gateway."""


def set_session(response: Response, token: str, seconds: float, *, secure: bool) -> None:
    response.set_cookie(SESSION_COOKIE, token, max_age=int(seconds), httponly=True, samesite="lax", secure=secure)


def session_router(sign_in_by: SignIn) -> APIRouter:
    accounts, keys = sign_in_by.accounts, sign_in_by.keys
    router = APIRouter(prefix="/api/session", tags=["session"])

    @router.post("", status_code=204, openapi_extra=json_body(Credentials))
    async def sign_in(request: Request, response: Response) -> None:
        """Signs a staff member in: a session cookie that scripts on the page cannot read.

        `Idempotency-Key` has no effect here: nobody is a known caller yet, and a session must not be kept to be shown again.
        """
        refuse_other_origins(request)
        if not sign_in_by.with_password:
            raise Forbidden("Nobody signs in with a password here: go to the identity provider.")
        credentials = read_credentials(await read_body(request))
        address = request.client.host if request.client else ""
        token = await accounts.sign_in(credentials.username, credentials.password, address)
        secure = sign_in_by.secure or request.url.scheme == "https"
        set_session(response, token, accounts.session_seconds, secure=secure)

    @router.get("", openapi_extra=NOT_AUDITED)
    async def who_am_i(request: Request) -> WhoIAm:
        """Who is signed in; to nobody, the 401 says in `detail.sign_in` how to: `password`, and where `oidc` begins."""
        try:
            caller = await caller_of(request)
        except Unauthenticated as nobody:
            ways = {"password": sign_in_by.with_password, "oidc": sign_in_by.at_provider}
            nobody.detail = {"sign_in": ways}
            raise
        return WhoIAm(username=caller.subject, roles=sorted(caller.roles), source=caller.source)

    @router.delete("", status_code=204)
    async def sign_out(caller: Annotated[Caller, Depends(caller_of)], request: Request, response: Response) -> None:
        """Ends the session everywhere, not only in this browser. A bearer token or a partner's key stays as it is."""
        if "authorization" not in request.headers:
            await keys.end_session(caller.subject, caller.token_id, caller.expires_at)
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")

    return router
