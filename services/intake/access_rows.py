"""The tables of accounts and tokens and every query on them; part of `storage`, which outgrew one file."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.database import Transaction
from services.intake.domain.access import Account, Token, TokenKind

_ADD_ONE = """
INSERT INTO tokens (token_id, kind, subject, source, roles, name, signed_by, created_at, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
# Newest first is the primary key backwards: ids are UUIDv7.
_TOKENS = """
SELECT * FROM tokens
WHERE kind = ANY ($1::text[]) AND ($2::text IS NULL OR source = $2) AND ($3::text IS NULL OR subject = $3)
  AND (NOT $4 OR expires_at > now() AND (revoked_at IS NULL OR revoked_at > now()))
  AND ($5::uuid IS NULL OR token_id < $5)
ORDER BY token_id DESC LIMIT $6
"""
_ONE = "SELECT * FROM tokens WHERE token_id = $1"
_END = """
UPDATE tokens SET revoked_at = $2, revoked_by = $3
WHERE token_id = ANY ($1::uuid[]) AND (revoked_at IS NULL OR revoked_at > $2)
"""
_LIVE_OF = """
SELECT * FROM tokens
WHERE subject = $1 AND source IS NULL AND expires_at > now() AND (revoked_at IS NULL OR revoked_at > now())
ORDER BY token_id FOR UPDATE
"""
_FORGET_SESSIONS = "DELETE FROM tokens WHERE kind = 'session' AND expires_at < now() - interval '30 days'"


async def add_token(tx: Transaction, token: Token) -> None:
    await tx.execute(_ADD_ONE, *token[:10])


async def tokens(
    tx: Transaction,
    kinds: Sequence[TokenKind],
    source: str | None,
    subject: str | None,
    before: UUID | None,
    limit: int,
    *,
    live: bool,
) -> list[Token]:
    return [Token(*row) for row in await tx.fetch(_TOKENS, list(kinds), source, subject, live, before, limit)]


async def token_by_id(tx: Transaction, token_id: UUID, *, lock: bool = False) -> Token | None:
    row = await tx.fetchrow(_ONE + (" FOR UPDATE" if lock else ""), token_id)
    return None if row is None else Token(*row)


async def end_tokens(tx: Transaction, token_ids: Sequence[UUID], since: datetime, by: str) -> None:
    await tx.execute(_END, list(token_ids), since, by)


async def live_tokens_of(tx: Transaction, username: str) -> list[Token]:
    """A staff member's sessions and tokens, locked."""
    return [Token(*row) for row in await tx.fetch(_LIVE_OF, username)]


async def forget_old_sessions(tx: Transaction) -> int:
    return await tx.execute(_FORGET_SESSIONS)


_CREDENTIALS = "SELECT password_hash, roles FROM accounts WHERE username = $1 AND disabled_at IS NULL"
_SAVE_ACCOUNT = """
INSERT INTO accounts (username, password_hash, roles) VALUES ($1, $2, $3)
ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash, roles = excluded.roles, disabled_at = NULL
"""
_ACCOUNTS = "SELECT username, roles, created_at, disabled_at FROM accounts ORDER BY username"
_ACCOUNT = "SELECT username, roles, created_at, disabled_at FROM accounts WHERE username = $1"
_CHANGE_ACCOUNT = """
UPDATE accounts SET password_hash = coalesce($2, password_hash), roles = coalesce($3::text[], roles),
    disabled_at = CASE WHEN $4::boolean IS NULL THEN disabled_at WHEN $4 THEN coalesce(disabled_at, now()) END
WHERE username = $1
"""


async def password_of(tx: Transaction, username: str) -> tuple[str, frozenset[str]] | None:
    """Password hash and roles."""
    row = await tx.fetchrow(_CREDENTIALS, username)
    return None if row is None else (row["password_hash"], frozenset(row["roles"]))


async def save_account(tx: Transaction, username: str, password_hash: str, roles: Sequence[str]) -> None:
    await tx.execute(_SAVE_ACCOUNT, username, password_hash, list(roles))


async def accounts(tx: Transaction) -> list[Account]:
    return [Account(*row) for row in await tx.fetch(_ACCOUNTS)]


async def account(tx: Transaction, username: str, *, lock: bool = False) -> Account | None:
    row = await tx.fetchrow(_ACCOUNT + (" FOR UPDATE" if lock else ""), username)
    return None if row is None else Account(*row)


async def change_account(
    tx: Transaction, username: str, password_hash: str | None, roles: Sequence[str] | None, *, disabled: bool | None
) -> None:
    await tx.execute(_CHANGE_ACCOUNT, username, password_hash, None if roles is None else list(roles), disabled)
