"""Most journeys share one running system, and keep apart by ordering for new patients; `stack` is for those that cannot."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.broker import EmbeddedBroker
from local.postgres import EmbeddedPostgres
from tests.support.databases import fresh_database
from tests.support.stack import Stack, environments, running


@pytest.fixture(scope="session")
async def system(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stack]:
    home = Path(tmp_path_factory.mktemp("system"))
    async with EmbeddedBroker(log=home / "broker.log") as broker, fresh_database(postgres_server) as database_url:
        extra = {"CAREPLAN_HOME": str(home)}
        settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True, extra=extra)
        async with running(settings) as stack:
            yield stack
