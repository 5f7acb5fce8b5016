"""Claude, through the vendor's own SDK. One call a `write`; what goes wrong becomes one of two errors."""

from collections.abc import Sequence

import anthropic
import httpx2
from anthropic.types import Message, TextBlockParam

from services.generator import prompts
from services.generator.adapters.model import MOST_OUTPUT_TOKENS, ModelAnswer, ModelFailed
from services.generator.adapters.vendor import asked
from services.generator.domain.answer import answer_schema
from services.generator.domain.prices import Usage
from services.generator.domain.request import PlanRequest
from services.generator.letter import Letter, letter

_UNFINISHED = {"max_tokens": "TOO_LONG", "model_context_window_exceeded": "TOO_LONG", "refusal": "REFUSED", None: "CUT"}


class Anthropic:
    provider = "anthropic"
    billed = True

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        model: str,
        timeout_seconds: float = 120,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self.model = model
        self.prompt_version = prompts.CURRENT
        self._timeout_seconds = timeout_seconds
        # Retries are the job's: the SDK's own would be billed without being counted, and wait as long as they are told.
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout_seconds,
            max_retries=0,
            http_client=http_client,
            _strict_response_validation=True,
        )

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        sent = letter(request, complaints)
        message = await asked(anthropic, self._timeout_seconds, lambda: self._create(sent))
        return self._read(message)

    async def _create(self, sent: Letter) -> Message:
        return await self._client.messages.create(
            model=self.model,
            max_tokens=MOST_OUTPUT_TOKENS,
            system=_cached(sent.shared),
            messages=[{"role": "user", "content": sent.own}],
            output_config={"format": {"type": "json_schema", "schema": answer_schema()}},
        )

    def _read(self, message: Message) -> ModelAnswer:
        """Why it stopped comes first: a cut or refused answer may look like a whole one."""
        used = _usage(message)
        if message.stop_reason in _UNFINISHED:
            raise ModelFailed(_UNFINISHED[message.stop_reason], used)
        text = "".join(block.text for block in message.content if block.type == "text")
        if message.stop_reason not in ("end_turn", "stop_sequence") or not text:
            raise ModelFailed("MALFORMED", used)
        return ModelAnswer(text, message.model, used, provider=self.provider, prompt_version=self.prompt_version)


def _cached(texts: Sequence[str]) -> list[TextBlockParam]:
    """Each is a place up to which the vendor may remember: the prompt alone, and the prompt with the drug's facts."""
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}} for text in texts]


def _usage(message: Message) -> Usage:
    used = message.usage
    return Usage(
        input_tokens=used.input_tokens,
        cache_write_tokens=used.cache_creation_input_tokens or 0,
        cached_tokens=used.cache_read_input_tokens or 0,
        output_tokens=used.output_tokens,
    )
