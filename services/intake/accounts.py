"""Staff accounts: a password is checked here, and becomes a signed session that every service can verify."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from chassis.database import Database
from chassis.errors import Unauthenticated
from chassis.security import TokenSigner
from services.intake import storage

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("no account has this password")
"""Checked where there is no such account: how long the answer takes tells nothing about who exists."""


@dataclass(frozen=True)
class Accounts:
    database: Database
    signer: TokenSigner
    session_seconds: float

    async def sign_in(self, username: str, password: str) -> str:
        """A session token. Unauthenticated, the same for a wrong name and a wrong password."""
        async with self.database.reading() as db:
            found = await storage.account(db, username)
        password_hash, roles = found or (_NOBODY, frozenset())
        # A hash takes tens of milliseconds of CPU on purpose: not on the event loop.
        right = await asyncio.to_thread(_matches, password_hash, password)
        if not found or not right:
            raise Unauthenticated("User name or password is wrong.")
        return self.signer.sign(username, self.session_seconds, roles=roles)

    async def add(self, username: str, password: str, roles: Sequence[str]) -> None:
        """Creates the account, or gives it this password and these roles."""
        password_hash = await asyncio.to_thread(_HASHER.hash, password)
        async with self.database.transaction() as tx:
            await storage.save_account(tx, username, password_hash, roles)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
