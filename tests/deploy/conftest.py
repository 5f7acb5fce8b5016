"""One all-in-one for this folder, watched as an operator watches it: a real Prometheus, a real receiver of traces."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.all_in_one import AllInOne, all_in_one
from tests.support.debian import ProgramUnavailable, program
from tests.support.hooks import Hooks, hooks
from tests.support.otlp import Receiver, otlp_receiver
from tests.support.patients import Patient, a_day_at_the_pharmacy
from tests.support.prometheus import Prometheus, impatient, scraping
from tests.support.system import System, embedded_broker, running_system


@dataclass
class Watched:
    """A system that has had a day's work: orders of each outcome, a revision, a signature, webhooks, nonsense."""

    system: AllInOne
    traces: Receiver
    hooks: Hooks
    patients: list[Patient]
    orders: dict[str, dict[str, Any]]
    """By what became of them."""


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = Path(tmp_path_factory.mktemp("watched")) / "home"
    with (
        otlp_receiver() as traces,
        hooks() as receiver,
        all_in_one(home, OTEL_EXPORTER_OTLP_ENDPOINT=traces.url, CAREPLAN_TRACE_SAMPLE="1") as system,
    ):
        system.start(300)
        patients, orders = a_day_at_the_pharmacy(system, receiver)
        yield Watched(system, traces, receiver, patients, orders)


@pytest.fixture(scope="session")
def promtool() -> str:
    return _or_skip("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    return _or_skip("prometheus")


@pytest.fixture(scope="session")
def caddy() -> str:
    return _or_skip("caddy")


def _or_skip(name: str) -> str:
    try:
        return program(name)
    except ProgramUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def harmed(tmp_path: Path, prometheus: str) -> AsyncIterator[tuple[System, Prometheus]]:
    """Every service a process of its own, to be harmed, and a Prometheus that soon says so."""
    async with embedded_broker(tmp_path) as broker, running_system(tmp_path / "system", broker) as system:
        ports = [service.port for service in system.services.values()]
        with scraping(prometheus, tmp_path, ports, impatient(tmp_path)) as watching:
            yield system, watching
