"""HTTP in: signing in, who am I, signing out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from chassis.audit.entry import NOT_AUDITED
from chassis.openapi import json_body
from chassis.security import SESSION_COOKIE, Caller, caller_of, refuse_other_origins
from chassis.web import read_body
from services.intake.accounts import Accounts
from services.intake.documents import WhoIAm
from services.intake.domain.credentials import Credentials, read_credentials
from services.intake.keys import Keys


def set_session(response: Response, request: Request, token: str, seconds: float) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(seconds),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def session_router(accounts: Accounts, keys: Keys) -> APIRouter:
    router = APIRouter(prefix="/api/session", tags=["session"])

    @router.post("", status_code=204, openapi_extra=json_body(Credentials))
    async def sign_in(request: Request, response: Response) -> None:
        """Signs a staff member in: a session cookie that scripts on the page cannot read.

        `Idempotency-Key` has no effect here: nobody is a known caller yet, and a session must not be kept to be shown again.
        """
        refuse_other_origins(request)
        credentials = read_credentials(await read_body(request))
        address = request.client.host if request.client else ""
        token = await accounts.sign_in(credentials.username, credentials.password, address)
        set_session(response, request, token, accounts.session_seconds)

    @router.get("", openapi_extra=NOT_AUDITED)
    async def who_am_i(caller: Annotated[Caller, Depends(caller_of)]) -> WhoIAm:
        return WhoIAm(username=caller.subject, roles=sorted(caller.roles), source=caller.source)

    @router.delete("", status_code=204)
    async def sign_out(caller: Annotated[Caller, Depends(caller_of)], request: Request, response: Response) -> None:
        """Ends the session everywhere, not only in this browser. A bearer token or a partner's key stays as it is."""
        if "authorization" not in request.headers:
            await keys.end_session(caller.subject, caller.token_id, caller.expires_at)
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")

    return router
