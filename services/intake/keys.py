"""Keys, tokens and sessions: signed here, and ended here. What was signed is listed; the token itself is nowhere kept.

Ending one writes AccessRevoked in the same commit, and every service refuses it from the moment it reads that.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.audit.entry import current
from chassis.database import Database, Transaction
from chassis.errors import InvalidInput, NotFound, Unauthenticated, WrongState
from chassis.idempotency import Memo, answer_once
from chassis.ids import new_id
from chassis.revocation import Revocations
from chassis.security import TokenSigner, TokenVerifier
from chassis.telemetry import log
from schemas.intake import AccessRevoked
from services.intake import access_rows
from services.intake.domain.access import KeyForm, RotationForm, Token, TokenKind, faults_in

_KEPT: tuple[TokenKind, ...] = ("key", "token")


@dataclass(frozen=True)
class Keys:
    database: Database
    signer: TokenSigner
    revocations: Revocations
    sources: Collection[str]

    # ── sign ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, memo: Memo | None, by: str, form: KeyForm) -> Answer:
        """201 with the key, which is shown this once: to a repeat with the same Idempotency-Key too."""

        async def work(tx: Transaction) -> Answer:
            account = await access_rows.account(tx, form.username) if form.username else None
            if faults := list(faults_in(form, self.sources, account)):
                raise InvalidInput(faults)
            roles = form.roles or (account.roles if account else [])
            token = self._new(form.username or f"partner {form.source}", form.source, roles, form.name, by, form.days)
            return await self._added(tx, token)

        return self._with_secret(await answer_once(self.database, memo, work))

    async def rotate(self, memo: Memo | None, by: str, token_id: UUID, form: RotationForm) -> Answer:
        """A successor for the same source or person, as long-lived; the old one is good for the overlap, and no longer."""

        async def work(tx: Transaction) -> Answer:
            old = await access_rows.token_by_id(tx, token_id, lock=True)
            if old is None or old.kind not in _KEPT:
                raise NotFound("There is no such key.")
            if not old.is_live(tx.now):
                raise WrongState("This key has ended: create another.")
            days = max(1, round((old.expires_at - old.created_at) / timedelta(days=1)))
            answer = await self._added(tx, self._new(old.subject, old.source, old.roles, old.name, by, days))
            ended.extend(await self.end(tx, [old], by, tx.now + timedelta(hours=form.overlap_hours)))
            return answer

        ended: list[AccessRevoked] = []
        answer = await answer_once(self.database, memo, work)
        self.revocations.remember(ended)
        return self._with_secret(answer)

    async def add_session(self, username: str, roles: frozenset[str], seconds: float) -> str:
        """A token for the session cookie."""
        token = self._signed("session", username, None, sorted(roles), "", username, timedelta(seconds=seconds))
        async with self.database.transaction() as tx:
            await access_rows.add_token(tx, token)
            tx.audit(current(), 204)
        return self.written(token)

    def _new(self, subject: str, source: str | None, roles: Sequence[str], name: str, by: str, days: int) -> Token:
        kind: TokenKind = "key" if source else "token"
        return self._signed(kind, subject, source, list(roles), name, by, timedelta(days=days))

    def _signed(
        self,
        kind: TokenKind,
        subject: str,
        source: str | None,
        roles: list[str],
        name: str,
        by: str,
        lifetime: timedelta,
    ) -> Token:
        # To the second, as a token tells its times: signed again from this row, it is the same token.
        now = datetime.now(UTC).replace(microsecond=0)
        return Token(new_id(), kind, subject, source, roles, name, self.signer.key_id, now, by, now + lifetime)

    def written(self, token: Token) -> str:
        """The token itself."""
        lifetime = (token.expires_at - token.created_at).total_seconds()
        return self.signer.sign(
            token.subject,
            lifetime,
            roles=frozenset(token.roles),
            source=token.source,
            token_id=token.token_id,
            issued_at=token.created_at.timestamp(),
        )

    async def _added(self, tx: Transaction, token: Token) -> Answer:
        await access_rows.add_token(tx, token)
        tx.audit(current(), 201, token.token_id, token.source or token.subject)
        body = json.dumps(shown_token(token, tx.now))
        return Answer(201, body, {"Location": f"/api/ops/keys/{token.token_id}"}, token.token_id)

    def _with_secret(self, answer: Answer) -> Answer:
        """Put in last: what is remembered for a repeat lies in the database in clear, and a key must not."""
        if answer.status != 201:
            return answer
        shown = json.loads(answer.body)
        token = Token(
            UUID(shown["id"]),
            shown["kind"],
            shown["username"] or f"partner {shown['source']}",
            shown["source"],
            shown["roles"],
            shown["name"],
            "",
            datetime.fromisoformat(shown["created_at"]),
            shown["created_by"],
            datetime.fromisoformat(shown["expires_at"]),
        )
        return replace(answer, body=json.dumps(shown | {"key": self.written(token)}))

    async def is_good(self, written: str, seconds: float) -> bool:
        """Whether a token is one of those kept here, and will be good for so long."""
        try:
            caller = TokenVerifier(self.signer.public_keys()).verify(written)
        except Unauthenticated:
            return False
        async with self.database.reading() as db:
            token = await access_rows.token_by_id(db, caller.token_id)
            return token is not None and token.is_live(db.now + timedelta(seconds=seconds))

    # ── end ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def end(
        self, tx: Transaction, tokens: Sequence[Token], by: str, since: datetime | None = None
    ) -> list[AccessRevoked]:
        """In the caller's transaction; once that has committed, the caller has `revocations` remember what this returns."""
        since = since or tx.now
        ended = [AccessRevoked(order_id=t.token_id, since=since, expires_at=t.expires_at) for t in tokens]
        await access_rows.end_tokens(tx, [token.token_id for token in tokens], since, by)
        await self.revocations.keep(tx, ended)
        for fact in ended:
            tx.emit(fact)
        return ended

    async def revoke(self, by: str, token_id: UUID) -> None:
        """At once, here; within moments everywhere. Safe to repeat."""
        async with self.database.transaction() as tx:
            token = await access_rows.token_by_id(tx, token_id, lock=True)
            if token is None:
                raise NotFound("There is no such key.")
            ended = await self.end(tx, [token], by) if token.is_live(tx.now) else []
            tx.audit(current(), 204, token.source or token.subject)
        self.revocations.remember(ended)
        log.info("key.revoked", token_id=str(token_id))

    async def end_session(self, username: str, token_id: UUID, expires_at: float) -> None:
        """Signing out: whoever copied the cookie has nothing."""
        fact = AccessRevoked(order_id=token_id, expires_at=datetime.fromtimestamp(expires_at, UTC))
        async with self.database.transaction() as tx:
            await access_rows.end_tokens(tx, [token_id], tx.now, username)
            await self.revocations.keep(tx, [fact])
            tx.emit(fact)
            tx.audit(current(), 204)
        self.revocations.remember([fact])

    async def end_all_of(self, tx: Transaction, username: str, by: str) -> list[AccessRevoked]:
        """Every session and token of a staff member, whoever signed it in."""
        return await self.end(tx, await access_rows.live_tokens_of(tx, username), by)

    async def sign_out_everywhere(self, memo: Memo | None, by: str, username: str) -> tuple[Answer, int]:
        """204, and how many sessions and tokens ended."""

        async def work(tx: Transaction) -> Answer:
            ended.extend(await self.end_all_of(tx, username, by))
            tx.audit(current(), 204, username)
            return Answer(204)

        ended: list[AccessRevoked] = []
        answer = await answer_once(self.database, memo, work)
        self.revocations.remember(ended)
        return answer, len(ended)

    # ── look ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def listed(
        self,
        kinds: Sequence[TokenKind] = _KEPT,
        source: str | None = None,
        username: str | None = None,
        before: UUID | None = None,
        limit: int = 100,
        *,
        live: bool = False,
    ) -> list[dict[str, Any]]:
        async with self.database.reading() as db:
            found = await access_rows.tokens(db, kinds, source, username, before, limit, live=live)
            return [shown_token(token, db.now) for token in found]

    async def forget_old_sessions(self) -> None:
        async with self.database.transaction() as tx:
            await access_rows.forget_old_sessions(tx)


def shown_token(token: Token, now: datetime) -> dict[str, Any]:
    return {
        "id": str(token.token_id),
        "kind": token.kind,
        "username": None if token.source else token.subject,
        "source": token.source,
        "roles": token.roles,
        "name": token.name,
        "signed_by": token.signed_by,
        "created_at": token.created_at.isoformat(),
        "created_by": token.created_by,
        "expires_at": token.expires_at.isoformat(),
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
        "revoked_by": token.revoked_by,
        "live": token.is_live(now),
    }
