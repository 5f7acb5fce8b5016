"""Migrations: safe to repeat, by anyone, at once; and the service's role is none that could change a table."""

import asyncio

import asyncpg
import pytest

from chassis.database import Database
from chassis.migrate import migrate
from tests.support.databases import ROLE_PASSWORD

pytestmark = pytest.mark.anyio


async def _tables(owner_url: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(owner_url)
    try:
        rows = await connection.fetch(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, ordinal_position"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def test_migrating_again_changes_nothing_and_keeps_every_row(database_url: str, intake: Database) -> None:
    async with intake.transaction() as tx:
        await tx.execute("INSERT INTO inbox (event_id) VALUES (uuidv7())")
    before = await _tables(database_url)
    await migrate("intake", database_url, ROLE_PASSWORD)
    await migrate("intake", database_url)
    assert await _tables(database_url) == before
    async with intake.reading() as db:
        assert await db.fetchval("SELECT count(*) FROM inbox") == 1


async def test_replicas_of_a_release_may_migrate_at_the_same_time(database_url: str) -> None:
    before = await _tables(database_url)
    await asyncio.gather(*(migrate(service, database_url) for service in ("intake", "validation") * 2))
    assert await _tables(database_url) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE outbox ADD COLUMN more text",
        "ALTER TABLE outbox DISABLE TRIGGER ALL",
        "DROP TABLE outbox",
        "TRUNCATE outbox",
        "CREATE TABLE more (id integer)",
        "CREATE TABLE public.more (id integer)",
        "CREATE INDEX more ON outbox (topic)",
        "CREATE ROLE more",
        "SELECT * FROM reporting.inbox",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
async def test_a_services_role_reads_and_writes_rows_and_nothing_else(intake: Database, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with intake.transaction() as tx:
            await tx.execute(statement)


async def test_a_password_may_hold_whatever_a_password_may_hold(database_url: str) -> None:
    odd = 'it\'s :odd %s \\ "$1"'
    try:
        await migrate("intake", database_url, odd)
    finally:
        await migrate("intake", database_url, ROLE_PASSWORD)


@pytest.mark.parametrize("name", ["intake; DROP SCHEMA intake", "", "Intake", "../intake"])
async def test_a_name_that_is_none_of_a_service_is_refused(database_url: str, name: str) -> None:
    with pytest.raises(ValueError, match="not a service name"):
        await migrate(name, database_url)
