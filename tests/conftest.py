"""Fixtures that every test may use. Helpers live in tests/support."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from local.broker import EmbeddedBroker
from local.postgres import EmbeddedPostgres
from tests.support.databases import fresh_database, make_template, run
from tests.support.stack import Stack, environments, running


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL for the whole run, with every service's migrations in its template."""
    server = EmbeddedPostgres(Path(tmp_path_factory.mktemp("postgres")))
    run(server.start())
    try:
        run(make_template(server))
        yield server
    finally:
        run(server.wipe())


@pytest.fixture
async def database_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    async with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(log=tmp_path / "broker.log") as broker:
        yield broker


@pytest.fixture
async def stack(database_url: str, broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Stack]:
    """The whole system, empty, for one test."""
    home = {"CAREPLAN_HOME": str(tmp_path)}
    settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True, extra=home)
    async with running(settings) as stack:
        yield stack
