"""Fixtures that every test may use. Helpers live in tests/support."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from local import ports
from local.broker import EmbeddedBroker
from local.postgres import EmbeddedPostgres
from tests.support.databases import fresh_database, make_template, run
from tests.support.kafka import ApacheKafka, Broker
from tests.support.kafka_ways import apache_kafka
from tests.support.limits import bounded, limit_of
from tests.support.maven import JarsUnavailable
from tests.support.stack import Stack, environments, running

# A slow machine is no fault of a property.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Workers side by side have free ports of their own: between the look and the server another would take it."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker:
        size = len(ports._RANGE) // workers
        first = int(worker.removeprefix("gw")) * size
        ports._RANGE = ports._RANGE[first : first + size]


_LONG = (
    "tests/web/", "tests/local/test_up", "tests/local/test_backup", "tests/deploy/test_dashboards", "tests/deploy/test_gateway",
    "tests/chassis/test_kafka_reader", "tests/chassis/test_lost_log", "tests/journeys/test_no_leaks", "tests/journeys/test_models",
    "tests/generator/test_retrieval",
)  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest are begun first: begun last, one worker would be at them while the others have nothing left."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and iscoroutinefunction(item.obj):
        item.obj = bounded(item.obj, time.monotonic() + limit_of(item))


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
async def kafka_node(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[ApacheKafka]:
    """One Apache Kafka for the whole run; where it cannot be had, its tests are left out and say so in one line."""
    try:
        node = apache_kafka(Path(tmp_path_factory.mktemp("kafka")))
    except JarsUnavailable as reason:
        pytest.skip(str(reason))
    async with node:
        yield node


@pytest.fixture(params=["embedded", "kafka"])
def node_for_the_test(request: pytest.FixtureRequest) -> ApacheKafka | None:
    """Asked for here, where no event loop is running yet: only those tests start Kafka that want it."""
    node: ApacheKafka | None = request.getfixturevalue("kafka_node") if request.param == "kafka" else None
    return node


@pytest.fixture
async def either_broker(node_for_the_test: ApacheKafka | None, tmp_path: Path) -> AsyncIterator[Broker]:
    """The embedded broker in one run of the test, Apache Kafka in the other; empty."""
    if node_for_the_test is None:
        async with EmbeddedBroker(log=tmp_path / "broker.log") as embedded:
            yield embedded
    else:
        await node_for_the_test.forget()
        yield node_for_the_test


@pytest.fixture
async def stack(database_url: str, broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Stack]:
    """The whole system, empty, for one test."""
    home = {"CAREPLAN_HOME": str(tmp_path)}
    settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True, extra=home)
    async with running(settings) as stack:
        yield stack
