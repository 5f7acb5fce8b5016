"""A language model's server on loopback, as Anthropic and OpenAI speak: it keeps what it receives, and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.generator.adapters.model import LanguageModel
from services.generator.adapters.providers import Access, language_model
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.answer import Answer
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest
from tests.support.stack import serving

VENDORS = ("anthropic", "openai", "local")
_PATHS = {"anthropic": "/v1/messages", "openai": "/chat/completions", "local": "/chat/completions"}
_ENDED = {"anthropic": "end_turn", "openai": "stop", "local": "stop"}

Behaviour = Callable[[], Response]
"""What one request gets."""


@dataclass
class ModelServer:
    """`behaviours`: one a request, the last one for ever."""

    vendor: str
    behaviours: Sequence[Behaviour] = ()
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path with query, headers, body: everything that left for the vendor."""
    url: str = ""
    slow: asyncio.Event | None = None
    """While it is not set, nobody is answered."""
    _made: list[Any] = field(default_factory=list)

    async def handle(self, request: Request) -> Response:
        self.received.append((str(request.url), dict(request.headers), await request.body()))
        behaviour = self.behaviours[min(len(self.received), len(self.behaviours)) - 1]
        if self.slow:
            await self.slow.wait()
        return behaviour()

    def model(self, name: str = "model-1", seconds: float = 20) -> LanguageModel:
        model = language_model(self.vendor, name, Access("a-key", self.url, seconds))
        self._made.append(model)
        return model

    async def close(self) -> None:
        for model in self._made:
            await model._client.close()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.received]

    def everything(self) -> str:
        """All that was received, in lower case, with what JSON escapes written out."""
        parts = [
            url + json.dumps(headers) + json.dumps(json.loads(body), ensure_ascii=False)
            for url, headers, body in self.received
        ]
        return "\n".join(parts).casefold()


@asynccontextmanager
async def model_server(vendor: str, *behaviours: Behaviour) -> AsyncIterator[ModelServer]:
    server = ModelServer(vendor, behaviours)
    async with serving(Starlette(routes=[Route(_PATHS[vendor], server.handle, methods=["POST"])])) as url:
        server.url = url
        try:
            yield server
        finally:
            await server.close()


def says(vendor: str, text: str, *, ended: str | None = "", **usage: int) -> Behaviour:
    """A whole answer. `ended`: the vendor's word for why; `usage` in our terms."""
    used = {"input": 100, "written": 20, "cached": 300, "output": 50} | usage
    reason = _ENDED[vendor] if ended == "" else ended
    if vendor == "anthropic":
        body: dict[str, Any] = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "model-1-20260601",
            "content": [{"type": "text", "text": text}], "stop_reason": reason, "stop_sequence": None,
            "usage": {"input_tokens": used["input"], "cache_creation_input_tokens": used["written"],
                      "cache_read_input_tokens": used["cached"], "output_tokens": used["output"]},
        }  # fmt: skip
    else:
        prompt = used["input"] + used["written"] + used["cached"]
        body = {
            "id": "c1", "object": "chat.completion", "created": 1, "model": "model-1-20260601",
            "choices": [{"index": 0, "finish_reason": reason, "logprobs": None,
                         "message": {"role": "assistant", "content": text, "refusal": None}}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": used["output"], "total_tokens": prompt + used["output"],
                      "prompt_tokens_details": {"cached_tokens": used["cached"], "cache_write_tokens": used["written"]}},
        }  # fmt: skip
    return lambda: JSONResponse(body)


def writes(vendor: str, request: PlanRequest) -> Behaviour:
    """What `scripted` would say, as a model would: about the redacted order."""
    text: bytes = TypeAdapter(Answer).dump_json(scripted_answer(request))
    return says(vendor, Redaction(request.order).hide(text.decode()))


def refuses(status: int, **headers: str) -> Behaviour:
    body = {"type": "error", "error": {"type": "some_error", "message": "Ana Bell-Okonkwo"}}
    return lambda: JSONResponse(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def page(body: bytes, media_type: str) -> Behaviour:
    return lambda: Response(body, media_type=media_type)


def breaks_off() -> Response:
    async def half() -> AsyncIterator[bytes]:
        yield b'{"id": "m'
        raise ConnectionResetError

    return StreamingResponse(half(), media_type="application/json", headers={"content-length": "5000"})
