"""The whole system in the test's own event loop, over a real PostgreSQL and a real broker, behind a real HTTP server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from chassis.messaging.nudges import Nudges
from chassis.security import TokenSigner
from local.broker import EmbeddedBroker
from local.environment import SERVICES, Addresses, environment_of
from local.front import Front
from local.home import Secrets, new_secrets
from local.ports import free_port
from local.postgres import EmbeddedPostgres
from local.serve import build_service
from tests.support.databases import ROLE_PASSWORD, fresh_database
from tests.support.kafka import Broker

SAMPLES = Path(__file__).parents[2] / "samples"
_A_DAY = 24 * 3600


@cache
def secrets() -> Secrets:
    return Secrets(**{**new_secrets(), "role_password": ROLE_PASSWORD})


def token(role: str) -> str:
    """A bearer token of a staff member who is called as the role."""
    return TokenSigner.from_json(secrets().token_private_key).sign(role, _A_DAY, roles=frozenset({role}))


def partner_key(source: str) -> str:
    return TokenSigner.from_json(secrets().token_private_key).sign(f"partner {source}", _A_DAY, source=source)


def environments(
    database_url: str, kafka: str, *, embedded_broker: bool, extra: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    addresses = Addresses(database_url, kafka, embedded_broker=embedded_broker)
    more = {"CAREPLAN_TRACE_SAMPLE": "1", "KAFKA_SESSION_SECONDS": "6", **(extra or {})}
    return {service: environment_of(service, addresses, secrets(), more) for service in SERVICES}


def environments_on(
    broker: Broker, database_url: str, extra: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """As `environments`, with whatever the broker at hand needs."""
    embedded = isinstance(broker, EmbeddedBroker)
    return environments(database_url, broker.bootstrap_servers, embedded_broker=embedded, extra=extra)


NO_BROKER = "127.0.0.1:9"
"""Where nobody listens, not by chance either, as another test's broker might on a port that was free a while ago."""


@dataclass
class Stack:
    """A running system and somebody to call it as."""

    base_url: str
    apps: Mapping[str, Any]
    environments: Mapping[str, Mapping[str, str]]
    _clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def beside(self, service: str, **changes: str) -> dict[str, str]:
        """The settings of one more process of `service` on the same database, that answers calls and reads no events.

        As a member of the service's group it would have the partitions handed out anew, and events wait meanwhile.
        """
        return {**self.environments[service], "KAFKA_BOOTSTRAP_SERVERS": NO_BROKER, **changes}

    def as_(self, role: str) -> httpx2.AsyncClient:
        """A client with the bearer token of a staff member of `role`."""
        return self._client({"Authorization": f"Bearer {token(role)}"})

    def as_partner(self, source: str) -> httpx2.AsyncClient:
        return self._client({"Authorization": f"Bearer {partner_key(source)}"})

    def anonymous(self) -> httpx2.AsyncClient:
        return self._client({})

    def _client(self, headers: dict[str, str]) -> httpx2.AsyncClient:
        client = httpx2.AsyncClient(base_url=self.base_url, headers=headers, timeout=40)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def until(
        self, order_id: str, status: str | set[str], seconds: float = 45, caller: httpx2.AsyncClient | None = None
    ) -> dict[str, Any]:
        """The order once it has (one of) `status`; AssertionError with what it has instead after `seconds`."""
        wanted = {status} if isinstance(status, str) else status
        client = caller or self.as_("assistant")
        clock = asyncio.get_running_loop().time
        limit = clock() + seconds
        while True:
            shown: dict[str, Any] = (await client.get(f"/api/orders/{order_id}")).json()
            if shown.get("status") in wanted:
                return shown
            assert clock() < limit, f"order {order_id} is {shown.get('status')}, not {status}"
            await asyncio.sleep(0.02)


BuildOne = Callable[[str, Mapping[str, str], Nudges], Any]


@asynccontextmanager
async def running(settings: Mapping[str, Mapping[str, str]], build: BuildOne = build_service) -> AsyncIterator[Stack]:
    """All services behind one address, ready. `build` may replace one, to give it another model or clock."""
    nudges = Nudges()
    apps = {service: build(service, settings[service], nudges) for service in SERVICES}
    async with serving(Front(apps)) as base_url:
        stack = Stack(base_url, apps, settings)
        try:
            yield stack
        finally:
            await stack.close()


@asynccontextmanager
async def new_system(server: EmbeddedPostgres, home: Path) -> AsyncIterator[Stack]:
    """All of it, empty, with a broker, a database and a home of its own."""
    async with EmbeddedBroker(log=home / "broker.log") as broker, fresh_database(server) as database_url:
        extra = {"CAREPLAN_HOME": str(home)}
        settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True, extra=extra)
        async with running(settings) as stack:
            yield stack


@asynccontextmanager
async def serving(app: Any, port: int | None = None) -> AsyncIterator[str]:
    """The application on loopback, on a free port unless one is given."""
    port = port or free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", port, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


def sample_order(**changes: Any) -> dict[str, Any]:
    """The web sample, with top-level fields replaced; `patient` and `provider` are merged."""
    order: dict[str, Any] = json.loads((SAMPLES / "web/ivig-gmg.json").read_text())
    for name, value in changes.items():
        order[name] = {**order[name], **value} if name in ("patient", "provider") else value
    return order
