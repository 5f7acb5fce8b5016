"""Claude, through the vendor's own SDK. One call a `write`, bounded in time; what goes wrong becomes one of two errors.

What leaves holds age, sex, weight, codes, medicines, allergies and redacted records. Names and numbers of persons are
put back into the answer before anybody sees it, so that its quotes are quotes from the records as they are.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Sequence

import anthropic
import httpx2
from anthropic.types import Message, TextBlockParam

from services.generator import prompts
from services.generator.adapters.model import ModelAnswer, ModelFailed, ModelUnavailable
from services.generator.domain.answer import answer_schema
from services.generator.domain.prompt import facts_message, order_message
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest

_MOST_TOKENS = 16_000
_LONGEST_PAUSE_SECONDS = 60.0
_UNFINISHED = {"max_tokens": "TOO_LONG", "model_context_window_exceeded": "TOO_LONG", "refusal": "REFUSED", None: "CUT"}
# A wrong key, an unpaid bill or an unknown model is ours to mend: orders wait for it, and nobody is billed.
_OURS_TO_MEND = {401: "UNAUTHORIZED", 402: "UNPAID", 403: "UNAUTHORIZED", 404: "UNKNOWN_MODEL"}
_TRY_LATER = {408: "BUSY", 409: "BUSY", 429: "RATE_LIMITED", 529: "OVERLOADED"}


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self.prompt_version = prompts.CURRENT
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._paused_until = 0.0
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
        """ModelUnavailable without a call while the provider has asked for a pause."""
        waiting = self._paused_until - self._clock()
        if waiting > 0:
            raise ModelUnavailable("PAUSED", waiting)
        redaction = Redaction(request.order)
        message = await self._ask(request, redaction, complaints)
        return _read(message, redaction)

    async def _ask(self, request: PlanRequest, redaction: Redaction, complaints: Sequence[str]) -> Message:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._client.messages.create(
                    model=self.model,
                    max_tokens=_MOST_TOKENS,
                    system=_system(request),
                    messages=[{"role": "user", "content": _user(request, redaction, complaints)}],
                    output_config={"format": {"type": "json_schema", "schema": answer_schema()}},
                )
        except TimeoutError:
            raise ModelFailed("TIMEOUT") from None
        except anthropic.APIStatusError as error:
            raise self._refused(error.status_code, error.response.headers.get("retry-after")) from None
        except anthropic.APIConnectionError as error:
            raise _not_connected(error.__cause__) from None
        except (anthropic.APIResponseValidationError, json.JSONDecodeError):
            raise ModelFailed("MALFORMED") from None
        except (anthropic.AnthropicError, httpx2.HTTPError):
            raise ModelFailed("CUT") from None

    def _refused(self, status: int, retry_after: str | None) -> ModelUnavailable | ModelFailed:
        if status in _OURS_TO_MEND:
            return self._pause(_OURS_TO_MEND[status], _LONGEST_PAUSE_SECONDS)
        if status in _TRY_LATER or status >= 500:
            return self._pause(_TRY_LATER.get(status, "UNAVAILABLE"), _seconds(retry_after))
        # Below 400 it is an error inside an answer that had begun.
        return ModelFailed("REQUEST_REFUSED" if status >= 400 else "CUT")

    def _pause(self, reason: str, seconds: float | None) -> ModelUnavailable:
        """Until then no other order of this process asks either: the provider would only refuse it as well."""
        if seconds is not None:
            self._paused_until = max(self._paused_until, self._clock() + min(seconds, _LONGEST_PAUSE_SECONDS))
        return ModelUnavailable(reason, seconds)


def _system(request: PlanRequest) -> list[TextBlockParam]:
    """What many orders share comes first and is cached: the prompt, then the drug's facts."""
    texts = (prompts.load().text, facts_message(request))
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}} for text in texts]


def _user(request: PlanRequest, redaction: Redaction, complaints: Sequence[str]) -> str:
    delimiter = secrets.token_hex(8)
    while delimiter in request.order.patient_records:
        delimiter = secrets.token_hex(8)
    return order_message(request, redaction, delimiter, complaints)


def _read(message: Message, redaction: Redaction) -> ModelAnswer:
    """Why it stopped comes first: a cut or refused answer may look like a whole one."""
    if message.stop_reason in _UNFINISHED:
        raise ModelFailed(_UNFINISHED[message.stop_reason])
    text = "".join(block.text for block in message.content if block.type == "text")
    if message.stop_reason not in ("end_turn", "stop_sequence") or not text:
        raise ModelFailed("MALFORMED")
    usage = message.usage
    return ModelAnswer(
        text=redaction.show_in_json(text),
        model=message.model,
        input_tokens=usage.input_tokens + (usage.cache_creation_input_tokens or 0),
        cached_input_tokens=usage.cache_read_input_tokens or 0,
        output_tokens=usage.output_tokens,
    )


def _not_connected(cause: BaseException | None) -> ModelUnavailable | ModelFailed:
    """Only what failed before the request was sent is certainly free."""
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return ModelUnavailable("UNREACHABLE")
    return ModelFailed("TIMEOUT" if isinstance(cause, httpx2.TimeoutException) else "CUT")


def _seconds(retry_after: str | None) -> float | None:
    """The header in seconds; a date or nonsense counts as absent."""
    try:
        seconds = float(retry_after) if retry_after else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 86_400 else None
