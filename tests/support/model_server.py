"""A language model outside the system: Anthropic's protocol over HTTP, every call counted, moods as a test likes."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.ports import free_port
from tests.chaos.model import plan_for
from tests.support.model_servers import refuses, says

Mood = Literal["good", "busy", "broken", "silent", "nonsense"]

_CHART = re.compile(r"chart-([a-j]+)\b")


@dataclass
class FakeModel:
    """`billed` counts answers that are paid for, by the chart that the records name, from when they are asked for. An ASGI application."""

    port: int = field(default_factory=free_port)
    mood: Mood = "good"
    seconds: float = 0.0
    """How long an answer takes."""
    output_tokens: int = 50
    """How many an answer bills."""
    calls: Counter[str] = field(default_factory=Counter)
    billed: Counter[str] = field(default_factory=Counter)
    _server: uvicorn.Server | None = None
    _task: "asyncio.Task[None] | None" = None

    def billed_for(self, charts: Iterable[str]) -> list[int]:
        """Of these charts only: others' orders may still be waiting for the model, too."""
        return [self.billed[chart] for chart in charts]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        config = uvicorn.Config(
            self, "127.0.0.1", self.port, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Connections are refused from now on."""
        if self._server and self._task:
            self._server.should_exit = True
            await self._task
            self._server = self._task = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prompt = (await Request(scope, receive).json())["messages"][0]["content"]
        response = await self._answer(prompt)
        await response(scope, receive, send)

    async def _answer(self, prompt: str) -> Response:
        found = _CHART.search(prompt)
        chart = found[1] if found else ""
        self.calls[chart] += 1
        if self.mood == "busy":
            return refuses(429, retry_after="1")()
        if self.mood == "broken":
            return refuses(500)()
        self.billed[chart] += 1
        await asyncio.sleep(600 if self.mood == "silent" else self.seconds)
        text = "No plan." if self.mood == "nonsense" else await asyncio.to_thread(plan_for, prompt)
        return says("anthropic", text, output=self.output_tokens)()


@asynccontextmanager
async def fake_model() -> AsyncIterator[FakeModel]:
    model = FakeModel()
    await model.start()
    try:
        yield model
    finally:
        await model.stop()
