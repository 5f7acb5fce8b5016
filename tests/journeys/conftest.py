"""Most journeys share one running system, and keep apart by ordering for new patients; `stack` is for those that cannot."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.postgres import EmbeddedPostgres
from tests.support.stack import Stack, new_system


@pytest.fixture(scope="session")
async def system(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stack]:
    async with new_system(postgres_server, Path(tmp_path_factory.mktemp("system"))) as stack:
        yield stack
