"""The reconciler: an order that does not move has its last event sent again, ever more rarely, until it rests."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from chassis.database import Database
from chassis.ids import new_id
from schemas.event import Event
from services.intake.storage import nudge_stuck_orders, start_moving
from tests.support.chassis import asked_again, database_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def intake(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url, "intake")
    yield database
    await database.close()


async def _order(database: Database, events: int = 2, *, due: bool = True) -> tuple[UUID, list[Event]]:
    """A moving order whose events were all sent."""
    order_id = new_id()
    async with database.transaction() as tx:
        emitted = [tx.emit(asked_again(order_id, attempt)) for attempt in range(events)]
        await start_moving(tx, order_id)
    async with database.transaction() as tx:
        await tx.execute("UPDATE outbox SET sent_at = now() WHERE subject = $1", order_id)
        if due:
            await tx.execute("UPDATE moving SET nudge_at = now() WHERE order_id = $1", order_id)
    return order_id, emitted


async def _nudge(database: Database) -> int:
    async with database.transaction() as tx:
        return await nudge_stuck_orders(tx)


async def _unsent(database: Database) -> list[UUID]:
    async with database.reading() as db:
        return [row["event_id"] for row in await db.fetch("SELECT event_id FROM outbox WHERE sent_at IS NULL")]


async def test_the_last_event_of_a_stuck_order_is_sent_again_and_no_other(intake: Database) -> None:
    _, events = await _order(intake)
    await _order(intake, due=False)
    assert await _nudge(intake) == 1
    assert await _unsent(intake) == [events[-1].id]


async def test_a_new_order_has_thirty_seconds_then_one_minute_then_two_then_four(intake: Database) -> None:
    order_id, _ = await _order(intake, due=False)
    waits = []
    for _ in range(4):
        async with intake.transaction() as tx:
            waits.append(
                await tx.fetchval(
                    "SELECT round(extract(epoch FROM nudge_at - now()))::int FROM moving WHERE order_id = $1", order_id
                )
            )
            await tx.execute("UPDATE moving SET nudge_at = now()")
        await _nudge(intake)
    assert waits == [30, 60, 120, 240]


async def test_it_is_nudged_at_least_once_a_day_however_long_it_is_stuck(intake: Database) -> None:
    await _order(intake)
    async with intake.transaction() as tx:
        await tx.execute("UPDATE moving SET nudges = 1000, nudge_at = now()")
    await _nudge(intake)
    async with intake.reading() as db:
        assert await db.fetchval("SELECT nudge_at < now() + interval '1 day' FROM moving")


async def test_an_event_that_waits_to_be_sent_anyway_is_left_alone(intake: Database) -> None:
    await _order(intake)
    async with intake.transaction() as tx:
        await tx.execute("UPDATE outbox SET sent_at = NULL")
    assert await _nudge(intake) == 0


async def test_who_moves_again_starts_anew(intake: Database) -> None:
    order_id, _ = await _order(intake)
    await _nudge(intake)
    async with intake.transaction() as tx:
        await start_moving(tx, order_id)
    async with intake.reading() as db:
        row = await db.fetchrow("SELECT nudges, nudge_at - now() < interval '31 s' AS soon FROM moving")
    assert row is not None
    assert tuple(row) == (0, True)


async def test_many_stuck_orders_are_nudged_in_one_go_and_each_once(intake: Database) -> None:
    for _ in range(20):
        await _order(intake, events=1)
    assert await _nudge(intake) == 20
    assert await _nudge(intake) == 0
    assert len(await _unsent(intake)) == 20
