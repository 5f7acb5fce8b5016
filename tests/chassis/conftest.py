"""Databases as the services open them, in a PostgreSQL of the test's own; and each test of messaging on both brokers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from chassis.database import Database
from local.postgres import EmbeddedPostgres
from tests.support.chassis import database_of, empty
from tests.support.databases import fresh_database, run
from tests.support.kafka import Broker


@pytest.fixture(scope="session")
def shared_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """One database for all tests of this folder: copying it for each would take longer than the tests."""
    stack = AsyncExitStack()
    urls: list[str] = []

    async def enter() -> None:
        urls.append(await stack.enter_async_context(fresh_database(postgres_server)))

    run(enter())
    yield urls[0]
    run(stack.aclose())


@pytest.fixture
async def database_url(shared_database_url: str) -> str:
    await empty(shared_database_url)
    return shared_database_url


@pytest.fixture
def broker(either_broker: Broker) -> Broker:
    return either_broker


@pytest.fixture
async def intake(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url, "intake")
    yield database
    await database.close()


@pytest.fixture
async def validation(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url, "validation")
    yield database
    await database.close()


@pytest.fixture
async def generator(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url, "generator")
    yield database
    await database.close()
