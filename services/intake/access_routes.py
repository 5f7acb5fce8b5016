"""HTTP in: for admins, keys and accounts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from chassis.answer import json_answer
from chassis.errors import NotFound
from chassis.idempotency import memo_of
from chassis.ids import id_in
from chassis.openapi import json_body
from chassis.queries import BlankIsAbsent, ShortText
from chassis.security import Caller, staff
from chassis.strict_form import read_form
from chassis.web import read_body
from services.intake.accounts import Accounts
from services.intake.domain.access import AccountChange, AccountForm, KeyForm, RotationForm, TokenKind
from services.intake.keys import Keys

Admin = Annotated[Caller, Depends(staff("admin"))]
Text = Annotated[ShortText | None, BlankIsAbsent(), Query()]


async def _key_id(key_id: str) -> UUID:
    found = id_in(key_id)
    if found is None:
        raise NotFound("There is no such key.")
    return found


KeyId = Annotated[UUID, Depends(_key_id)]


class ShownKey(BaseModel):
    id: UUID
    kind: TokenKind
    username: str | None
    source: str | None
    roles: list[str]
    name: str
    signed_by: str
    """The id of the key it was signed with."""
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    live: bool


class NewKey(ShownKey):
    key: str
    """Shown this once: what goes behind `Authorization: Bearer`."""


class KeyList(BaseModel):
    items: list[ShownKey]
    next_cursor: str | None


class ShownAccount(BaseModel):
    username: str
    roles: list[str]
    created_at: datetime
    disabled_at: datetime | None


class AccountList(BaseModel):
    items: list[ShownAccount]


def keys_router(keys: Keys) -> APIRouter:
    router = APIRouter(prefix="/api/ops/keys", tags=["operations"])

    @router.get("", response_model=KeyList)
    async def list_keys(
        _: Admin,
        kind: TokenKind | None = None,
        source: Text = None,
        username: Text = None,
        live: Annotated[bool, Query()] = False,  # noqa: FBT002 (a query parameter)
        cursor: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """Partner keys and staff tokens, newest first, never the keys themselves; sessions with `kind=session`."""
        kinds: list[TokenKind] = [kind] if kind else ["key", "token"]
        items = await keys.listed(kinds, source, username, cursor, limit + 1, live=live)
        more = items[limit - 1]["id"] if len(items) > limit else None
        return json_answer({"items": items[:limit], "next_cursor": more})

    @router.post("", status_code=201, response_model=NewKey, openapi_extra=json_body(KeyForm))
    async def create_key(caller: Admin, request: Request) -> Response:
        """A key for a partner's source, or a bearer token for a staff member. Shown this once."""
        body = await read_body(request)
        form = read_form(KeyForm, body)
        return (await keys.create(memo_of(request, caller, body), caller.subject, form)).response()

    @router.post(
        "/{key_id}/rotate",
        status_code=201,
        response_model=NewKey,
        openapi_extra=json_body(RotationForm, required=False),
    )
    async def rotate_key(caller: Admin, key_id: KeyId, request: Request) -> Response:
        """A successor, shown this once; the old one is good for `overlap_hours` (24) more."""
        body = await read_body(request)
        form = read_form(RotationForm, body or b"{}")
        return (await keys.rotate(memo_of(request, caller, body), caller.subject, key_id, form)).response()

    @router.delete("/{key_id}", status_code=204)
    async def revoke_key(caller: Admin, key_id: KeyId) -> None:
        """Ends a key, a token or a session: here at once, in every service within moments. Safe to repeat."""
        await keys.revoke(caller.subject, key_id)

    return router


def accounts_router(accounts: Accounts, keys: Keys) -> APIRouter:
    router = APIRouter(prefix="/api/ops/accounts", tags=["operations"])

    @router.get("", response_model=AccountList)
    async def list_accounts(_: Admin) -> Response:
        """Accounts with a password here. Who signs in through OIDC has none."""
        return json_answer({"items": await accounts.listed()})

    @router.post("", status_code=201, response_model=ShownAccount, openapi_extra=json_body(AccountForm))
    async def create_account(caller: Admin, request: Request) -> Response:
        body = await read_body(request)
        form = read_form(AccountForm, body)
        return (await accounts.create(memo_of(request, caller, body), form)).response()

    @router.patch("/{username}", response_model=ShownAccount, openapi_extra=json_body(AccountChange))
    async def change_account(caller: Admin, username: str, request: Request) -> Response:
        """Password, roles, disabled. Ends every session and token of the account: they carry what it was allowed before."""
        change = read_form(AccountChange, await read_body(request))
        return json_answer(await accounts.change(caller.subject, _readable(username), change))

    @router.post("/{username}/sign-out", status_code=204)
    async def sign_out_everywhere(caller: Admin, username: str, request: Request) -> Response:
        """Ends every session and token of a staff member, whoever signed it in: an account here, or OIDC."""
        memo = memo_of(request, caller, await read_body(request))
        answer, _ = await keys.sign_out_everywhere(memo, caller.subject, _readable(username))
        return answer.response()

    return router


def _readable(username: str) -> str:
    if "\0" in username or "�" in username:
        raise NotFound("There is no such account.")
    return username
