"""Databases for tests: migrated once into a template, copied in a fraction of a second for each test that wants one."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import count

import asyncpg

from chassis.migrate import migrate
from local.environment import SERVICES
from local.postgres import EmbeddedPostgres

ROLE_PASSWORD = "only-on-loopback"
_NUMBERS = count()


async def make_template(server: EmbeddedPostgres) -> None:
    for service in SERVICES:
        await migrate(service, server.url, ROLE_PASSWORD)


@asynccontextmanager
async def fresh_database(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The owner's URL of a migrated, empty database; dropped afterwards."""
    name = f"test_{next(_NUMBERS)}"
    admin = server.url.replace("/careplan", "/postgres")
    await _run(admin, f"CREATE DATABASE {name} TEMPLATE careplan STRATEGY file_copy")
    try:
        yield server.url.replace("/careplan", f"/{name}")
    finally:
        await _run(admin, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, ssl=False)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


_LOOP = asyncio.new_event_loop()


def run(coroutine: Coroutine[object, object, None]) -> None:
    """For fixtures of a whole session, which outlive any one test's event loop: whoever starts a process stops it."""
    _LOOP.run_until_complete(coroutine)
