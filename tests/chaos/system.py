"""The system as it runs in production: PostgreSQL, a broker, and every service in processes of its own, to be harmed."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import httpx2
import psutil

from local.broker import EmbeddedBroker
from local.ports import free_port
from local.postgres import EmbeddedPostgres
from local.process import Child, ChildFailed, Process
from tests.chaos.schedule import SERVICES, Fault
from tests.support.databases import make_template
from tests.support.kafka import ApacheKafka, Broker
from tests.support.stack import environments_on

BrokerName = Literal["kafka", "embedded"]

_PROJECT = Path(__file__).parents[2]
_READY_WITHIN = 90.0
_TRIES_TO_START = 5
_SESSION_SECONDS = "6"


class Part(Protocol):
    """Whatever can be killed and started again."""

    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What was done to which parts, from when to when, on the monotonic clock: for as long as they were not themselves."""

    parts: frozenset[str]
    began: float
    ended: float


@dataclass
class System:
    broker: Broker
    parts: Mapping[str, Part]
    ports: Mapping[str, int]
    disturbances: list[Disturbance] = field(default_factory=list)
    _held: dict[str, asyncio.Lock] = field(default_factory=dict)

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    async def suffer(self, fault: Fault) -> None:
        """One fault, from the blow until what it befell runs again. A part that suffers already is waited for."""
        parts = sorted(fault.befalls)
        for part in parts:
            await self._held.setdefault(part, asyncio.Lock()).acquire()
        began = time.monotonic()
        try:
            await self._do(fault)
        finally:
            self.disturbances.append(Disturbance(fault.befalls, began, time.monotonic()))
            for part in parts:
                self._held[part].release()

    async def _do(self, fault: Fault) -> None:
        match fault.kind:
            case "kill":
                await self._kill_for(fault.part, fault.seconds)
            case "pause":
                await self._pause_for(fault.part, fault.seconds)
            case "wipe":
                await self.broker.kill()
                await self.broker.wipe()
                await asyncio.sleep(fault.seconds)
                await self._start("broker")
            case "everything":
                await asyncio.gather(*(part.kill() for part in self.parts.values()))
                await asyncio.sleep(fault.seconds)
                await self.start()
            case "kill while postgres is away":
                away = asyncio.create_task(self._pause_for("postgres", fault.seconds))
                await asyncio.sleep(fault.seconds * 0.6)
                await self._kill_for(fault.part, 0)
                await away

    async def start(self) -> None:
        """All at once, as after a power cut; returns without waiting for the services to be ready."""
        await asyncio.gather(*(self._start(part) for part in self.parts))

    async def ready(self) -> None:
        """Once every service says so itself."""
        async with asyncio.timeout(_READY_WITHIN), httpx2.AsyncClient(timeout=5) as client:
            for service in self.ports:
                while not await _is_ready(client, self.url(service)):
                    await asyncio.sleep(0.1)

    async def _kill_for(self, part: str, seconds: float) -> None:
        await self.parts[part].kill()
        await asyncio.sleep(seconds)
        await self._start(part)

    async def _pause_for(self, part: str, seconds: float) -> None:
        pid = self.parts[part].pid
        assert pid
        _signal_tree(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            _signal_tree(pid, signal.SIGCONT)

    async def _start(self, part: str) -> None:
        for left in reversed(range(_TRIES_TO_START)):
            try:
                await self.parts[part].start()
                return
            except ChildFailed:  # a busy machine: whoever supervises in production tries again as well
                if not left:
                    raise


async def _is_ready(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health/ready")).is_success
    except httpx2.TransportError:
        return False


def _signal_tree(pid: int, number: signal.Signals) -> None:
    """Parents first, so that a paused one has no new children. PostgreSQL's are in sessions of their own."""
    try:
        process = psutil.Process(pid)
        process.send_signal(number)
        for child in process.children(recursive=True):
            child.send_signal(number)
    except psutil.NoSuchProcess:
        return


@asynccontextmanager
async def running_system(home: Path, broker_name: BrokerName, model_url: str) -> AsyncIterator[System]:
    """Ready, and empty. Everything in it ends with the block."""
    postgres = EmbeddedPostgres(home)
    broker: ApacheKafka | EmbeddedBroker
    broker = ApacheKafka(home / "kafka") if broker_name == "kafka" else EmbeddedBroker(log=home / "broker.log")
    await postgres.start()
    try:
        await make_template(postgres)
        settings = _settings(home, postgres.url, broker, model_url)
        ports = {service: free_port() for service in SERVICES}
        services = {name: _service(name, ports[name], home, settings) for name in SERVICES}
        system = System(broker, {**services, "postgres": postgres, "broker": broker}, ports)
        try:
            await broker.start()
            await asyncio.gather(*(service.start() for service in services.values()))
            await system.ready()
            yield system
        finally:
            await asyncio.gather(*(service.kill() for service in services.values()))
            await broker.kill()
    finally:
        await postgres.kill()
        await postgres.wipe()


def _settings(
    home: Path, database_url: str, broker: ApacheKafka | EmbeddedBroker, model_url: str
) -> dict[str, dict[str, str]]:
    more = {
        "PATH": os.environ.get("PATH", ""),
        "CAREPLAN_HOME": str(home),
        "CAREPLAN_TRACE_SAMPLE": "0",
        "CAREPLAN_LOG_LEVEL": "info",
        "CAREPLAN_MODEL": "anthropic",
        "ANTHROPIC_API_KEY": "fictional",
        "ANTHROPIC_BASE_URL": model_url,
        "CAREPLAN_MODEL_TIMEOUT": "8",
        "CAREPLAN_JOB_LEASE_SECONDS": "10",
    }
    settings = environments_on(broker, database_url, extra=more)
    # The all-in-one's second on the embedded broker is for groups of one. Two members on a busy machine, each of whom answers
    # too late now and then, would have theirs rebalance without end.
    return {service: {**mine, "KAFKA_SESSION_SECONDS": _SESSION_SECONDS} for service, mine in settings.items()}


def _service(replica: str, port: int, home: Path, settings: Mapping[str, Mapping[str, str]]) -> Process:
    name = replica.partition("-")[0]
    return Process(
        Child(
            name=replica,
            command=[sys.executable, "-m", "local", "service", name, "--port", str(port)],
            env=settings[name],
            cwd=_PROJECT,
            log=home / "logs" / f"{replica}.log",
        )
    )
