"""OpenAI, and whatever speaks like it at another address: llama.cpp, vLLM, Ollama, LM Studio, a gateway of your own."""

from collections.abc import Sequence
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

from services.generator import prompts
from services.generator.adapters.model import MOST_OUTPUT_TOKENS, ModelAnswer, ModelFailed
from services.generator.adapters.vendor import asked
from services.generator.domain.answer import answer_schema
from services.generator.domain.prices import NOTHING_USED, Usage
from services.generator.domain.request import PlanRequest
from services.generator.letter import Letter, letter

_UNFINISHED = {"length": "TOO_LONG", "content_filter": "REFUSED", None: "CUT"}


class OpenAI:
    """`provider` is "openai" or "local": the same protocol, but what a local server need not know is left out."""

    billed = True

    def __init__(
        self,
        api_key: str,
        *,
        provider: str = "openai",
        base_url: str | None = None,
        model: str,
        timeout_seconds: float = 120,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self.provider = provider
        self.model = model
        self.prompt_version = prompts.CURRENT
        self._timeout_seconds = timeout_seconds
        # Retries are the job's: the SDK's own would be billed without being counted, and wait as long as they are told.
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout_seconds,
            max_retries=0,
            http_client=http_client,
            _strict_response_validation=provider == "openai",
        )

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        sent = letter(request, complaints)
        completion = await asked(openai, self._timeout_seconds, lambda: self._create(sent))
        return self._read(completion)

    async def _create(self, sent: Letter) -> Any:
        # Vendors cache equal beginnings by themselves, so the shared texts are one message, and the first.
        return await self._client.chat.completions.create(
            model=self.model,
            messages=[{"role": "system", "content": "\n\n".join(sent.shared)}, {"role": "user", "content": sent.own}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "care_plan", "strict": True, "schema": answer_schema()},
            },
            **self._limits(),
        )

    def _limits(self) -> dict[str, Any]:
        if self.provider == "local":
            return {"max_tokens": MOST_OUTPUT_TOKENS}
        return {"max_completion_tokens": MOST_OUTPUT_TOKENS, "store": False}

    def _read(self, completion: Any) -> ModelAnswer:
        """Why it stopped comes first: a cut or refused answer may look like a whole one."""
        # A server of one's own may answer with anything: what is not a completion comes as text, or without choices.
        if not isinstance(completion, ChatCompletion) or not completion.choices:
            raise ModelFailed("MALFORMED")
        used, choice = _usage(completion), completion.choices[0]
        reason = choice.finish_reason
        if reason in _UNFINISHED:
            raise ModelFailed(_UNFINISHED[reason], used)
        if choice.message.refusal:
            raise ModelFailed("REFUSED", used)
        if reason != "stop" or not choice.message.content:
            raise ModelFailed("MALFORMED", used)
        return ModelAnswer(
            choice.message.content, completion.model or self.model, used,
            provider=self.provider, prompt_version=self.prompt_version,
        )  # fmt: skip


def _usage(completion: ChatCompletion) -> Usage:
    """The vendor counts what the cache gave or took among the prompt's tokens; we count it apart."""
    used = completion.usage
    if used is None:
        return NOTHING_USED
    details = used.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details else 0
    written = (details.cache_write_tokens or 0) if details else 0
    return Usage(max(used.prompt_tokens - cached - written, 0), written, cached, used.completion_tokens)
