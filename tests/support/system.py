"""The whole system as it runs in production, for tests that harm it: every service a process of its own.

PostgreSQL is the test's own and stands behind a proxy; the language model is a server in the test, which counts its calls.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil
import pytest

from chassis import failpoints
from local.broker import EmbeddedBroker
from local.environment import SERVICES
from local.ports import free_port
from local.postgres import EmbeddedPostgres
from local.process import Child, Process
from tests.support.databases import make_template
from tests.support.kafka import ApacheKafka, Broker
from tests.support.model_server import FakeModel, fake_model
from tests.support.orders import letters, new_order
from tests.support.processes import paused
from tests.support.proxy import Proxy, proxy_to
from tests.support.stack import environments_on, token

_PROJECT = Path(__file__).parents[2]
TERMINAL = frozenset({"completed", "rejected", "failed"})
LEASE_SECONDS = 6


@dataclass
class Service:
    """One process of one service."""

    name: str
    port: int
    environment: dict[str, str]
    log: Path
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(
            Child(
                name=self.name,
                command=[sys.executable, "-m", "local", "service", self.name, "--port", str(self.port)],
                env=self.environment,
                cwd=_PROJECT,
                log=self.log,
                ready=self._listens,
                ready_within=300,
            )
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    def memory(self) -> float:
        """MiB of the process alone, as the kernel counts what is its own."""
        return float(psutil.Process(self.pid).memory_full_info().uss) / 1024 / 1024

    async def restart(self, **environment: str) -> None:
        """As an operator does: asked to stop, then started, perhaps with more in its environment."""
        await self.process.stop()
        await self.start(**environment)

    async def start(self, **environment: str) -> None:
        for name in [name for name in self.environment if name.startswith("CAREPLAN_FAILPOINTS")]:
            del self.environment[name]
        self.environment.update(environment)
        await self.process.start()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@dataclass
class System:
    """`services` by name; a second process of one is called `intake-2`."""

    home: Path
    postgres: EmbeddedPostgres
    line: Proxy
    broker: Broker
    model: FakeModel
    services: dict[str, Service] = field(default_factory=dict)
    _clients: dict[tuple[str, str], httpx2.AsyncClient] = field(default_factory=dict)

    # ── the processes ──────────────────────────────────────────────────────────────────────────────────────────

    def add(self, name: str, **more: str) -> Service:
        """A process of a service, not started yet."""
        kind = name.partition("-")[0]
        extra = {
            "PATH": os.environ.get("PATH", ""),
            "CAREPLAN_HOME": str(self.home),
            "CAREPLAN_TRACE_SAMPLE": "0",
            "CAREPLAN_MODEL": "anthropic",
            "ANTHROPIC_API_KEY": "fictional",
            "ANTHROPIC_BASE_URL": self.model.url,
            "CAREPLAN_MODEL_TIMEOUT": "20",
            "CAREPLAN_MODEL_BREAKER_SECONDS": "2",
            "CAREPLAN_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            **more,
        }
        url = self.postgres.url.replace(f":{self.postgres.port}/", f":{self.line.port}/")
        environment = environments_on(self.broker, url, extra)[kind]
        self.services[name] = Service(kind, free_port(), environment, self.home / "logs" / f"{name}.log")
        return self.services[name]

    async def start(self, **environment: str) -> None:
        await asyncio.gather(*(service.start(**environment) for service in self.services.values()))

    async def kill(self) -> None:
        """All services at once, as `kill -9`."""
        await asyncio.gather(*(service.process.kill() for service in self.services.values()))

    async def revive(self) -> None:
        """What a supervisor does: whoever is dead is started again, without failpoints."""
        dead = [service for service in self.services.values() if service.process.pid is None]
        await asyncio.gather(*(service.start() for service in dead))

    async def healthy(self) -> None:
        """As after a test: everything runs, nothing is slow."""
        self.line.cut, self.line.delay = False, 0.0
        self.model.mood, self.model.seconds = "good", 0.0
        if self.model._task is None:
            await self.model.start()
        if self.postgres.pid is None:
            await self.postgres.start()
        if self.broker.pid is None:
            await self.broker.start()
        await self.revive()

    # ── people ─────────────────────────────────────────────────────────────────────────────────────────────────

    def at(self, service: str, role: str = "assistant") -> httpx2.AsyncClient:
        if (service, role) not in self._clients:
            headers = {"Authorization": f"Bearer {token(role)}"}
            self._clients[service, role] = httpx2.AsyncClient(
                base_url=self.services[service].url, headers=headers, timeout=60
            )
        return self._clients[service, role]

    async def post(self, order: dict[str, Any], **headers: str) -> httpx2.Response | None:
        """What intake answered; None where nobody did."""
        try:
            return await self.at("intake").post("/api/orders", json=order, headers=headers)
        except httpx2.TransportError:
            return None

    async def accepted(self, count: int, at_once: int = 20) -> list[str]:
        """Posts so many new orders, at a time when nothing hinders; returns their ids."""
        room = asyncio.Semaphore(at_once)

        async def one() -> str:
            async with room:
                answer = await self.post(charted_order())
                assert answer is not None
                assert answer.status_code == 202, answer.text
                return str(answer.json()["order_id"])

        return list(await asyncio.gather(*(one() for _ in range(count))))

    async def insist(self, order: dict[str, Any], key: str) -> str:
        """Posts under one key until somebody answers 202; 503 and silence are what a fault may do, nothing else."""
        while True:
            answer = await self.post(order, **{"Idempotency-Key": key})
            if answer is not None and answer.status_code == 202:
                return str(answer.json()["order_id"])
            assert answer is None or answer.status_code == 503, answer.text
            await asyncio.sleep(0.2)

    async def show(self, order_id: str) -> dict[str, Any]:
        """The order as intake shows it; {} while intake does not answer."""
        try:
            answer = await self.at("intake").get(f"/api/orders/{order_id}")
        except httpx2.TransportError:
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {"status": answer.status_code}

    async def all_in(self, statuses: frozenset[str], order_ids: Sequence[str], seconds: float = 180) -> list[Any]:
        """The orders, once each has one of these statuses."""
        shown: dict[str, Any] = {}
        end = asyncio.get_running_loop().time() + seconds
        while left := [order_id for order_id in order_ids if order_id not in shown]:
            for order_id in left:
                order = await self.show(order_id)
                if order.get("status") in statuses:
                    shown[order_id] = order
                elif asyncio.get_running_loop().time() > end:
                    stuck = {other: (await self.show(other)).get("status") for other in left}
                    raise AssertionError(f"{len(stuck)} orders are stuck after {seconds} s: {stuck}")
                else:
                    break  # one that waits: the others of its time wait too
            await asyncio.sleep(0.1)
        return [shown[order_id] for order_id in order_ids]

    async def completed(self, order_ids: Sequence[str], seconds: float = 180) -> list[Any]:
        return await self.all_in(frozenset({"completed"}), order_ids, seconds)

    async def query(self, sql: str, *arguments: Any) -> list[Any]:
        """Rows, as the owner of the database."""
        connection = await asyncpg.connect(self.postgres.url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()


def charted_order(**changes: Any) -> dict[str, Any]:
    """A new order whose records name its chart, so that the model's calls for it are known."""
    order = new_order(**changes)
    order["patient"]["mrn"] = f"{300_000 + int(order['patient']['mrn'])}"
    order["patient_records"] += f"\nSee chart-{chart_of(order)}."
    return order


def chart_of(order: Mapping[str, Any]) -> str:
    """Given the order as posted, or as shown."""
    return letters(int(order["patient"]["mrn"]))


def hanging(broker: Broker) -> AbstractContextManager[None]:
    """`paused`, whichever broker it is."""
    if isinstance(broker, ApacheKafka):
        return broker.paused()
    assert broker.pid
    return paused(broker.pid)


def failpoint(place: str, action: str, passes: int) -> dict[str, str]:
    return {
        "CAREPLAN_FAILPOINTS": f"{place}:{action}:{passes}",
        "CAREPLAN_FAILPOINTS_PERMISSION": failpoints.PERMISSION,
    }


@asynccontextmanager
async def running_system(home: Path, broker: Broker, names: Sequence[str] = SERVICES) -> AsyncIterator[System]:
    """Ready and empty, on a broker that runs already; ends with the block."""
    postgres = EmbeddedPostgres(home)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(postgres.wipe)
        await postgres.start()
        await make_template(postgres)
        assert postgres.port
        line = await stack.enter_async_context(proxy_to(postgres.port))
        model = await stack.enter_async_context(fake_model())
        system = System(home, postgres, line, broker, model)
        for name in names:
            system.add(name)
        try:
            await system.start()
            yield system
        finally:
            for client in system._clients.values():
                await client.aclose()
            await system.kill()


only_embedded = pytest.mark.parametrize("chosen_node", ["embedded"], indirect=True, scope="session")
"""For promises in which no broker has a part."""


def embedded_broker(home: Path) -> EmbeddedBroker:
    return EmbeddedBroker(log=home / "broker.log")
