"""P10: each process is replaced in turn, behind the real gateway and under load: no call fails, and no order is lost."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from local.broker import EmbeddedBroker
from local.environment import SERVICES
from local.ports import free_port
from local.postgres import EmbeddedPostgres
from tests.support.background import begin, until_ready
from tests.support.commands import end_group
from tests.support.databases import fresh_database
from tests.support.gateway import gateway
from tests.support.orders import events_in, new_order
from tests.support.pdfs import printed
from tests.support.stack import environments, token

pytestmark = [pytest.mark.anyio, pytest.mark.faults, pytest.mark.timeout(900)]

_REPLICAS = {"intake": 2, "reporting": 2, "validation": 1, "generator": 2, "notification": 1}


class _Replica:
    """One service in a process of its own, as a container has it."""

    def __init__(self, service: str, number: int, environment: Mapping[str, str], folder: Path) -> None:
        self.service, self.port = service, free_port()
        self._environment = {**environment, "CAREPLAN_DRAIN_SECONDS": "4"}
        self._log = folder / f"{service}-{number}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "local", "service", self.service, "--port", str(self.port)]
        self._process = begin(command, self._log, self._environment)

    def ready(self) -> None:
        assert self._process
        until_ready(self._process, self._log, f"http://127.0.0.1:{self.port}/health/ready", 120)

    def replace(self) -> int:
        """SIGTERM, its end, a new one. Returns how it ended."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self.start()
        self.ready()
        return code

    def end(self) -> None:
        if self._process:
            end_group(self._process)


class _Load:
    """Orders, searches, uploads and streams, one after the other in several lanes, until told to stop."""

    def __init__(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {token('assistant')}"}
        self.client = httpx2.AsyncClient(base_url=url, headers=headers, timeout=60)
        self.answers: Counter[tuple[str, int]] = Counter()
        self.accepted: list[str] = []
        self.failures: list[str] = []
        self.stopping = False

    async def run(self) -> None:
        lanes = [self._orders(), self._orders(), self._searches(), self._uploads(), self._streams()]
        await asyncio.gather(*lanes)
        await self.client.aclose()

    async def _call(self, name: str, method: str, path: str, **more: object) -> httpx2.Response | None:
        try:
            answer = await self.client.request(method, path, **more)  # type: ignore[arg-type]
        except httpx2.TransportError as error:
            self.failures.append(f"{name}: {type(error).__name__}")
            return None
        self.answers[name, answer.status_code] += 1
        return answer

    async def _orders(self) -> None:
        while not self.stopping:
            answer = await self._call("order", "POST", "/api/orders", json=new_order())
            if answer is not None and answer.status_code == 202:
                self.accepted.append(answer.json()["order_id"])
            await asyncio.sleep(0.05)

    async def _searches(self) -> None:
        while not self.stopping:
            await self._call("search", "GET", "/api/orders?limit=5")
            await asyncio.sleep(0.05)

    async def _uploads(self) -> None:
        file = printed("Generalised myasthenia gravis. Creatinine 0.78 mg/dL.")
        while not self.stopping:
            order = new_order()
            del order["patient_records"]
            parts = {
                "order": (None, json.dumps(order), "application/json"),
                "patient_records": ("records.pdf", file, "application/pdf"),
            }
            answer = await self._call("upload", "POST", "/api/orders", files=parts)
            if answer is not None and answer.status_code == 202:
                self.accepted.append(answer.json()["order_id"])
            await asyncio.sleep(0.3)

    async def _streams(self) -> None:
        """A stream may end when its replica leaves; it is opened again, as browsers do, and ends with the order's end."""
        while not self.stopping:
            if not self.accepted:
                await asyncio.sleep(0.1)
                continue
            path = f"/api/orders/{self.accepted[-1]}/events"
            try:
                async with self.client.stream("GET", path) as answer:
                    self.answers["stream", answer.status_code] += 1
                    lines = [line async for line in answer.aiter_lines()]
                assert not lines or next(events_in(lines))[0] == "order"
            except httpx2.TransportError:
                self.answers["stream cut", 0] += 1


@asynccontextmanager
async def _installation(
    postgres_server: EmbeddedPostgres, folder: Path, caddy: str
) -> AsyncIterator[tuple[str, list[_Replica]]]:
    async with EmbeddedBroker(log=folder / "broker.log") as broker, fresh_database(postgres_server) as database_url:
        extra = {"CAREPLAN_HOME": str(folder)}
        settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True, extra=extra)
        replicas = [_Replica(s, n, settings[s], folder) for s in SERVICES for n in range(_REPLICAS[s])]
        with ExitStack() as stack:
            for replica in replicas:
                stack.callback(replica.end)
                replica.start()
            for replica in replicas:
                await asyncio.to_thread(replica.ready)
            upstreams = {s: " ".join(f"127.0.0.1:{r.port}" for r in replicas if r.service == s) for s in SERVICES}
            yield stack.enter_context(gateway(caddy, folder, upstreams)), replicas


async def test_p10_each_process_is_replaced_under_load_without_a_failed_call_or_a_lost_order(
    postgres_server: EmbeddedPostgres, tmp_path: Path, caddy: str
) -> None:
    async with _installation(postgres_server, tmp_path, caddy) as (url, replicas):
        load = _Load(url)
        running = asyncio.create_task(load.run())
        await asyncio.sleep(3)
        for replica in replicas:
            code = await asyncio.to_thread(replica.replace)
            assert code in (0, -signal.SIGTERM), f"{replica.service} ended with {code}"
            await asyncio.sleep(2)
        load.stopping = True
        await asyncio.wait_for(running, 120)
        assert load.failures == []
        assert {status for (_, status) in load.answers if status >= 500} == set(), load.answers
        assert load.answers["order", 202] > 50
        assert load.answers["upload", 202] > 5
        assert load.answers["search", 200] > 20
        assert load.answers["stream", 200] > 2
        assert await _all_completed(url, load.accepted) == []


async def _all_completed(url: str, order_ids: list[str]) -> list[str]:
    """Those that are not, three minutes later."""
    headers = {"Authorization": f"Bearer {token('assistant')}"}
    open_orders, end = list(order_ids), time.monotonic() + 180
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        while open_orders and time.monotonic() < end:
            shown = [(await client.get(f"/api/orders/{order_id}")).json()["status"] for order_id in open_orders]
            open_orders = [o for o, status in zip(open_orders, shown, strict=True) if status != "completed"]
            await asyncio.sleep(0.5)
    return open_orders
