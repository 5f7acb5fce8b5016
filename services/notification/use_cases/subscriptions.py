"""Who is told: a partner manages its own source's webhooks, an admin everything, e-mail addresses too."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from os import urandom
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.crypto import Keyring
from chassis.database import Database, Transaction
from chassis.errors import Forbidden, InvalidInput, NotFound, WrongState
from chassis.idempotency import Memo, answer_once
from chassis.ids import new_id
from chassis.security import Caller
from chassis.telemetry import log
from services.notification import storage
from services.notification.domain.subscription import (
    Outlets,
    SubscriptionChange,
    SubscriptionForm,
    address_in,
    faults_in,
    statuses_of,
)
from services.notification.storage import SealedSecret

_SECRET_BYTES = 32
SECRETS_OVERLAP = timedelta(hours=24)
"""How long a secret still signs, beside its successor."""
_MOST_OF_A_SOURCE = 20


@dataclass
class Subscriptions:
    database: Database
    keyring: Keyring
    outlets: Outlets
    wake: Callable[[], None] = lambda: None

    async def subscribe(self, caller: Caller, memo: Memo | None, form: SubscriptionForm) -> Answer:
        """201 with the secret of a webhook, which is shown this once: to a repeat with the same key too."""

        async def work(tx: Transaction) -> Answer:
            if caller.is_partner and (form.kind != "webhook" or form.source not in (None, caller.source)):
                raise Forbidden("A partner subscribes webhooks, and to its own source's orders only.")
            if faults := faults_in(form, form.kind, self.outlets):
                raise InvalidInput(faults)
            source = caller.source or form.source
            if len(await storage.subscriptions(tx, source)) >= _MOST_OF_A_SOURCE and caller.is_partner:
                raise WrongState(f"A source has at most {_MOST_OF_A_SOURCE} subscriptions: delete one first.")
            subscription_id, address = new_id(), address_in(form, form.kind)
            assert address is not None
            secret = self._new_secret(subscription_id) if form.kind == "webhook" else None
            statuses = statuses_of(form.statuses, form.kind)
            await storage.add_subscription(
                tx, subscription_id, form.kind, address, source, statuses, caller.subject, secret
            )
            shown = shown_subscription(await storage.subscription(tx, subscription_id))
            headers = {"Location": f"/api/notifications/subscriptions/{subscription_id}"}
            return Answer(201, json.dumps(shown), headers, subscription_id)

        answer = await answer_once(self.database, memo, work)
        return await self._with_secret(answer) if answer.status == 201 else answer

    async def rotate_secret(self, caller: Caller, memo: Memo | None, subscription_id: UUID) -> Answer:
        """200 with a new secret. For a day deliveries are signed with the old one too; a repeat shows the newest."""

        async def work(tx: Transaction) -> Answer:
            row = _own(caller, await storage.subscription(tx, subscription_id, lock=True))
            if row["kind"] != "webhook":
                raise WrongState("Only a webhook has a secret.")
            await storage.rotate_secret(tx, subscription_id, self._new_secret(subscription_id), SECRETS_OVERLAP)
            shown = shown_subscription(await storage.subscription(tx, subscription_id))
            return Answer(200, json.dumps(shown), {}, subscription_id)

        answer = await answer_once(self.database, memo, work)
        log.info("subscription.secret_rotated", subscription_id=str(subscription_id), status=answer.status)
        return await self._with_secret(answer) if answer.status == 200 else answer

    def _new_secret(self, subscription_id: UUID) -> SealedSecret:
        return SealedSecret(self.keyring.active, self.keyring.seal(urandom(_SECRET_BYTES), subscription_id.bytes))

    async def _with_secret(self, answer: Answer) -> Answer:
        """Put in last: what is remembered for a repeat lies in the database in clear, and a secret must not."""
        assert answer.subject is not None
        async with self.database.reading() as db:
            row = await storage.subscription(db, answer.subject)
        if row is None or row["sealed_secret"] is None:
            return answer
        secret = self.keyring.open(row["key_id"], row["sealed_secret"], answer.subject.bytes)
        shown = json.loads(answer.body) | {"secret": written_secret(secret)}
        return replace(answer, body=json.dumps(shown))

    async def listed(self, caller: Caller) -> list[dict[str, Any]]:
        async with self.database.reading() as db:
            return [shown_subscription(row) for row in await storage.subscriptions(db, caller.source)]

    async def look(self, caller: Caller, subscription_id: UUID) -> dict[str, Any]:
        async with self.database.reading() as db:
            return shown_subscription(_own(caller, await storage.subscription(db, subscription_id)))

    async def change(self, caller: Caller, subscription_id: UUID, change: SubscriptionChange) -> dict[str, Any]:
        async with self.database.transaction() as tx:
            row = _own(caller, await storage.subscription(tx, subscription_id, lock=True))
            if faults := faults_in(change, row["kind"], self.outlets):
                raise InvalidInput(faults)
            statuses = statuses_of(change.statuses, row["kind"]) if change.statuses else None
            address = address_in(change, row["kind"])
            await storage.change_subscription(
                tx, subscription_id, address=address, statuses=statuses, enabled=change.enabled
            )
            shown = shown_subscription(await storage.subscription(tx, subscription_id))
        log.info("subscription.changed", subscription_id=str(subscription_id))
        self.wake()
        return shown

    async def unsubscribe(self, caller: Caller, subscription_id: UUID) -> None:
        """Its deliveries go with it, sent or not."""
        async with self.database.transaction() as tx:
            _own(caller, await storage.subscription(tx, subscription_id, lock=True))
            await storage.delete_subscription(tx, subscription_id)
        log.info("subscription.deleted", subscription_id=str(subscription_id))


def written_secret(secret: bytes) -> str:
    """As Standard Webhooks writes one."""
    return f"whsec_{b64encode(secret).decode()}"


def _own(caller: Caller, row: Any) -> Any:
    if row is None or (caller.is_partner and row["source"] != caller.source):
        raise NotFound("There is no such subscription.")
    return row


def shown_subscription(row: Any) -> dict[str, Any]:
    webhook = row["kind"] == "webhook"
    return {
        "id": str(row["subscription_id"]),
        "kind": row["kind"],
        "url": row["address"] if webhook else None,
        "email": None if webhook else row["address"],
        "source": row["source"],
        "statuses": list(row["statuses"]),
        "enabled": row["enabled"],
        "disabled_reason": row["disabled_reason"],
        "failures_in_row": row["failures_in_row"],
        "created_at": row["created_at"].isoformat(),
        "created_by": row["created_by"],
    }
