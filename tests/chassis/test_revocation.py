"""What was revoked is refused: from memory, after a restart, in the other replica, whatever the broker forgot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chassis.cleanup import Cleanup
from chassis.crypto import new_key
from chassis.database import Database
from chassis.errors import Unavailable
from chassis.ids import new_id
from chassis.revocation import Revocations
from chassis.service import Parts, Subscription, assemble
from local.broker import EmbeddedBroker
from schemas.intake import AccessRevoked
from schemas.topics import ORDERS
from tests.support.chassis import an_event, codec_of, role_url, settings_for, until

pytestmark = pytest.mark.anyio


def now() -> datetime:
    return datetime.now(UTC)


async def revoked(revocations: Revocations, **more: Any) -> UUID:
    """A new token's id, revoked as the event tells it."""
    token_id = new_id()
    await revocations.note([an_event(AccessRevoked(order_id=token_id, **more))])
    return token_id


@pytest.fixture
async def here(validation: Database) -> Revocations:
    revocations = Revocations(validation)
    await revocations.load()
    return revocations


async def test_a_revoked_token_is_refused_at_once_and_others_are_not(here: Revocations) -> None:
    token_id = await revoked(here)
    assert here.is_revoked(token_id)
    assert not here.is_revoked(new_id())


async def test_after_a_restart_it_is_known_before_anybody_is_answered(here: Revocations) -> None:
    token_id = await revoked(here)
    started = Revocations(here.database)
    await started.load_before_serving()
    assert started.is_revoked(token_id)


async def test_before_the_table_was_read_nobody_is_let_in() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", codec_of("validation"))
    revocations = Revocations(away)
    await revocations.load_before_serving()
    with pytest.raises(Unavailable):
        revocations.is_revoked(new_id())


async def test_the_other_replica_finds_it_in_the_table(here: Revocations) -> None:
    other = Revocations(here.database)
    await other.load()
    token_id = await revoked(here)
    assert not other.is_revoked(token_id)
    await other.load()
    assert other.is_revoked(token_id)


async def test_a_rotated_key_is_good_until_its_overlap_ends_and_a_theft_ends_it_now(here: Revocations) -> None:
    token_id = await revoked(here, since=now() + timedelta(hours=1))
    assert not here.is_revoked(token_id)
    await here.note([an_event(AccessRevoked(order_id=token_id, since=now()))])
    assert here.is_revoked(token_id)
    await here.note([an_event(AccessRevoked(order_id=token_id, since=now() + timedelta(hours=1)))])
    await here.load()
    assert here.is_revoked(token_id)


async def test_told_five_times_it_is_revoked_once(here: Revocations) -> None:
    event = an_event(AccessRevoked(order_id=new_id()))
    for _ in range(5):
        await here.note([event, event])
    async with here.database.reading() as db:
        assert await db.fetchval("SELECT count(*) FROM revoked WHERE token_id = $1", event.subject) == 1


async def test_who_has_ended_by_itself_is_forgotten_and_others_never(here: Revocations) -> None:
    for_ever, ended = await revoked(here), await revoked(here, expires_at=now() + timedelta(seconds=30))
    async with here.database.transaction() as tx:
        await tx.execute("UPDATE revoked SET until = now() - interval '2 days' WHERE token_id = $1", ended)
    await Cleanup(here.database, 7).run()
    async with here.database.reading() as db:
        left = {row["token_id"] for row in await db.fetch("SELECT token_id FROM revoked")}
    assert for_ever in left
    assert ended not in left


# ── across services ────────────────────────────────────────────────────────────────────────────────────────────────


async def nothing(_: Any) -> None: ...


@asynccontextmanager
async def running(service: str, database_url: str, broker: EmbeddedBroker) -> AsyncIterator[Parts]:
    """The chassis of a service, as its own process has it."""
    parts = Parts.of(service, settings_for(broker, **KEYS, DATABASE_URL=role_url(database_url, service)))
    app = assemble(parts, Subscription((ORDERS,), (), nothing), [])
    async with app.router.lifespan_context(app):
        yield parts


KEYS = {"CAREPLAN_ENCRYPTION_KEYS": f"shared:{new_key()}"}


async def revoke_at_intake(intake: Parts) -> UUID:
    fact = AccessRevoked(order_id=new_id())
    async with intake.database.transaction() as tx:
        await intake.revocations.keep(tx, [fact])
        tx.emit(fact)
    return fact.order_id


async def test_what_intake_revokes_every_service_refuses_within_seconds(
    database_url: str, broker: EmbeddedBroker
) -> None:
    async with running("intake", database_url, broker) as intake, running("validation", database_url, broker) as other:
        token_id = await revoke_at_intake(intake)
        await until(lambda: intake.revocations.is_revoked(token_id) and other.revocations.is_revoked(token_id))


async def test_p1_a_broker_that_forgot_everything_loses_no_revocation(
    database_url: str, broker: EmbeddedBroker
) -> None:
    """The service that was down when it happened, and whose broker has lost its log since, learns it all the same."""
    async with running("intake", database_url, broker) as intake:
        token_id = await revoke_at_intake(intake)
        await until(lambda: intake.revocations.is_revoked(token_id))
        await broker.kill()
        await broker.wipe()
        await broker.start()
        async with running("generator", database_url, broker) as late:
            await until(lambda: late.revocations.is_revoked(token_id), 40)


async def test_revocations_are_kept_for_ever_in_the_outbox(database_url: str, broker: EmbeddedBroker) -> None:
    async with running("intake", database_url, broker) as intake:
        token_id = await revoke_at_intake(intake)
        await until(lambda: intake.revocations.is_revoked(token_id))
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("UPDATE intake.outbox SET sent_at = now() - interval '1 year', created_at = sent_at")
        await Cleanup(intake_database := Database(role_url(database_url, "intake"), intake.codec), 7).run()
        await intake_database.close()
        assert await owner.fetchval("SELECT count(*) FROM intake.outbox WHERE subject = $1", token_id) == 1
    finally:
        await owner.close()
