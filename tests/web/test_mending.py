"""What a person mends: a failed plan, a message put aside, a webhook sent again; in the browser, of a system in this process."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.messaging.nudges import Nudges
from local.broker import EmbeddedBroker
from local.demo import prepare_demo
from local.home import Home, write_private
from local.serve import build_service
from services.generator import main as generator
from services.generator.adapters.model import ModelAnswer, ModelFailed
from services.generator.adapters.scripted import Scripted
from services.generator.domain.request import PlanRequest
from services.generator.settings import GeneratorSettings
from tests.support.commands import run_command
from tests.support.hooks import Hooks, hooks
from tests.support.orders import new_order
from tests.support.stack import Stack, environments, running, secrets

WEB = Path(__file__).parents[2] / "web"
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1200)]


@dataclass
class _Moody:
    """Fails a plan's three tries, then writes as `Scripted` does."""

    provider = model = "moody"
    billed = False
    prompt_version = "1"
    failures_left: int = 3
    scripted: Scripted = field(default_factory=Scripted)

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        self.failures_left -= 1
        if self.failures_left >= 0:
            raise ModelFailed("TIMEOUT")
        return await self.scripted.write(request, complaints)


@pytest.fixture
async def troubled(
    database_url: str, broker: EmbeddedBroker, tmp_path: Path
) -> AsyncIterator[tuple[Stack, Hooks, str]]:
    """A system with its accounts, a receiver of webhooks, and an order whose plan has failed."""
    model = _Moody()

    def build(service: str, values: Mapping[str, str], nudges: Nudges) -> Any:
        if service != "generator":
            return build_service(service, values, nudges)
        return generator.build(GeneratorSettings(**values), nudges, model=model)  # type: ignore[arg-type]

    write_private(tmp_path / "secrets.json", asdict(secrets()))
    await prepare_demo(Home(tmp_path), database_url)
    settings = environments(
        database_url, broker.bootstrap_servers, embedded_broker=True, extra={"CAREPLAN_HOME": str(tmp_path)}
    )
    with hooks() as receiver:
        async with running(settings, build) as stack:
            admin = stack.as_("admin")
            made = await admin.post("/api/notifications/subscriptions", json={"url": receiver.url})
            assert made.status_code == 201, made.text
            order_id = (await stack.as_("assistant").post("/api/orders", json=new_order())).json()["order_id"]
            await stack.until(order_id, "failed", 90)
            await _put_aside(stack, database_url)
            yield stack, receiver, order_id


async def _put_aside(stack: Stack, database_url: str) -> None:
    """As after a bad release: reporting cannot write an order, and puts its event aside. Then the cause is mended."""
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("ALTER TABLE reporting.orders RENAME TO gone")
        answer = await stack.as_("assistant").post("/api/orders", json=new_order())
        assert answer.status_code == 202
        admin = stack.as_("admin")
        async with asyncio.timeout(60):
            while not (await admin.get("/api/ops/dead-letters")).json()["items"]:
                await asyncio.sleep(0.1)
        await owner.execute("ALTER TABLE reporting.gone RENAME TO orders")
    finally:
        await owner.close()


async def test_what_went_wrong_is_mended_in_the_browser(
    troubled: tuple[Stack, Hooks, str], chromium: str, tmp_path: Path
) -> None:
    stack, receiver, order_id = troubled
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "CHROMIUM": chromium,
        "CAREPLAN_URL": stack.base_url,
        "CAREPLAN_HOME": str(tmp_path),
        "FAILED_ORDER": order_id,
    }
    command: list[str | Path] = [WEB / "scripts" / "npm", "run", "--silent", "e2e", "--", "e2e/mending.test.ts"]
    (await asyncio.to_thread(run_command, command, seconds=800, env=environment)).well()
    async with asyncio.timeout(120):
        while max(Counter(_event(body) for _, body in receiver.received).values(), default=0) < 2:
            await asyncio.sleep(0.1)


def _event(body: bytes) -> str:
    """Which of them it is: the same when it is told a second time."""
    return str(json.loads(body)["data"])
