"""One system for each broker serves all tests that leave it as they found it; each test finds it healthy, shown by an order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.kafka import ApacheKafka
from tests.support.system import System, embedded_broker, running_system


@pytest.fixture(scope="session", params=["embedded", "kafka"])
def chosen_node(request: pytest.FixtureRequest) -> ApacheKafka | None:
    """Asked for here, where no event loop is running yet."""
    node: ApacheKafka | None = request.getfixturevalue("kafka_node") if request.param == "kafka" else None
    return node


@pytest.fixture(scope="session")
async def shared_system(
    chosen_node: ApacheKafka | None, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[System]:
    home = Path(tmp_path_factory.mktemp("system"))
    if chosen_node is None:
        async with embedded_broker(home) as broker, running_system(home, broker) as system:
            yield system
    else:
        await chosen_node.forget()
        async with running_system(home, chosen_node) as system:
            yield system


@pytest.fixture
async def system(shared_system: System) -> AsyncIterator[System]:
    """On the embedded broker in one run, on Apache Kafka in the other."""
    await shared_system.healthy()
    await shared_system.completed(await shared_system.accepted(1))
    yield shared_system
    await shared_system.healthy()
    for name in [name for name in shared_system.services if "-" in name]:
        await shared_system.services.pop(name).process.kill()
