"""Staff accounts: a password is checked here, and becomes a signed session that every service can verify."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from chassis.answer import Answer
from chassis.audit.entry import current
from chassis.database import Database, Transaction
from chassis.errors import NotFound, Unauthenticated, WrongState
from chassis.idempotency import Memo, answer_once
from chassis.rate_limits import FailureLimit
from services.intake import access_rows
from services.intake.domain.access import Account, AccountChange, AccountForm
from services.intake.keys import Keys

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("no account has this password")
"""Checked where there is no such account: how long the answer takes tells nothing about who exists."""
_AT_ONCE = 2
"""A hash takes 64 MiB and tens of milliseconds of a core on purpose: whoever floods the door waits in a queue."""


@dataclass(frozen=True)
class Accounts:
    database: Database
    keys: Keys
    session_seconds: float
    failures_of_account: FailureLimit
    failures_of_address: FailureLimit
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def sign_in(self, username: str, password: str, address: str) -> str:
        """A session token. Unauthenticated, the same for a wrong name and a wrong password; RateLimited after too many.

        A name that nobody has is counted like one that somebody has: the limit tells no more than the refusal.
        """
        async with self._turn:
            await self.failures_of_address.check(address)
            await self.failures_of_account.check(username)
            roles = await self._roles_if_right(username, password)
            if roles is None:
                await self.failures_of_address.failed(address)
                await self.failures_of_account.failed(username)
                raise Unauthenticated("User name or password is wrong.")
            await self.failures_of_account.forgive(username)
        _note(username, ", ".join(sorted(roles)))
        return await self.keys.add_session(username, roles, self.session_seconds)

    async def _roles_if_right(self, username: str, password: str) -> frozenset[str] | None:
        async with self.database.reading() as db:
            found = await access_rows.password_of(db, username)
        password_hash, roles = found or (_NOBODY, frozenset())
        right = await asyncio.to_thread(_matches, password_hash, password)
        # What somebody typed as a name may be a password: only a name that exists is written down.
        _note(username if found else "unknown", "nobody")
        return roles if found and right else None

    async def add(self, username: str, password: str, roles: Sequence[str]) -> None:
        """Creates the account, or gives it this password and these roles."""
        password_hash = await asyncio.to_thread(_HASHER.hash, password)
        async with self.database.transaction() as tx:
            await access_rows.save_account(tx, username, password_hash, roles)

    async def create(self, memo: Memo | None, form: AccountForm) -> Answer:
        password_hash = await asyncio.to_thread(_HASHER.hash, form.password)

        async def work(tx: Transaction) -> Answer:
            if await access_rows.account(tx, form.username):
                raise WrongState("There is an account of that name already.")
            await access_rows.save_account(tx, form.username, password_hash, form.roles)
            made = await access_rows.account(tx, form.username)
            assert made is not None
            tx.audit(current(), 201, form.username)
            return Answer(201, json.dumps(shown_account(made)), {"Location": f"/api/ops/accounts/{form.username}"})

        return await answer_once(self.database, memo, work)

    async def change(self, by: str, username: str, change: AccountChange) -> dict[str, Any]:
        """Ends every session and token of the account too: they carry what it was allowed before."""
        password_hash = await asyncio.to_thread(_HASHER.hash, change.password) if change.password else None
        async with self.database.transaction() as tx:
            if await access_rows.account(tx, username, lock=True) is None:
                raise NotFound("There is no such account.")
            await access_rows.change_account(tx, username, password_hash, change.roles, disabled=change.disabled)
            ended = await self.keys.end_all_of(tx, username, by)
            changed = await access_rows.account(tx, username)
            assert changed is not None
            tx.audit(current(), 200, username)
        self.keys.revocations.remember(ended)
        return shown_account(changed)

    async def listed(self) -> list[dict[str, Any]]:
        async with self.database.reading() as db:
            return [shown_account(account) for account in await access_rows.accounts(db)]


def shown_account(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "roles": account.roles,
        "created_at": account.created_at.isoformat(),
        "disabled_at": account.disabled_at.isoformat() if account.disabled_at else None,
    }


def _note(subject: str, acting_as: str) -> None:
    entry = current()
    if entry is not None:
        entry.who(subject, acting_as)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
