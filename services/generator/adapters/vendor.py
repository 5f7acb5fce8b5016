"""What the vendors' SDKs have in common: how a call ends that was not answered, and which of our two errors that is."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from services.generator.adapters.model import ModelFailed, ModelUnavailable

Said = TypeVar("Said")

# A wrong key, an unpaid bill or an unknown model is ours to mend: orders wait for it, and nobody is billed.
_OURS_TO_MEND = {401: "UNAUTHORIZED", 402: "UNPAID", 403: "UNAUTHORIZED", 404: "UNKNOWN_MODEL"}
_TRY_LATER = {408: "BUSY", 409: "BUSY", 429: "RATE_LIMITED", 529: "OVERLOADED"}
_REST_SECONDS = 60.0
_A_DAY_SECONDS = 86_400.0


async def asked(sdk: Any, seconds: float, call: Callable[[], Awaitable[Said]]) -> Said:
    """One call, bounded in time. `sdk` is the vendor's module: Anthropic's and OpenAI's have the same errors by name."""
    try:
        async with asyncio.timeout(seconds):
            return await call()
    except TimeoutError:
        raise ModelFailed("TIMEOUT") from None
    except sdk.APIStatusError as error:
        raise _refused(error.status_code, error.response.headers.get("retry-after")) from None
    except sdk.APIConnectionError as error:
        raise _not_connected(error.__cause__) from None
    except (sdk.APIResponseValidationError, json.JSONDecodeError):
        raise ModelFailed("MALFORMED") from None
    except (sdk.APIError, httpx2.HTTPError):
        raise ModelFailed("CUT") from None


def _refused(status: int, retry_after: str | None) -> ModelUnavailable | ModelFailed:
    if status in _OURS_TO_MEND:
        return ModelUnavailable(_OURS_TO_MEND[status], _REST_SECONDS)
    if status in _TRY_LATER or status >= 500:
        return ModelUnavailable(_TRY_LATER.get(status, "UNAVAILABLE"), seconds_of(retry_after))
    # Below 400 it is an error inside an answer that had begun.
    return ModelFailed("REQUEST_REFUSED" if status >= 400 else "CUT")


def _not_connected(cause: BaseException | None) -> ModelUnavailable | ModelFailed:
    """Only what failed before the request was sent is certainly free."""
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return ModelUnavailable("UNREACHABLE")
    return ModelFailed("TIMEOUT" if isinstance(cause, httpx2.TimeoutException) else "CUT")


def seconds_of(retry_after: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """The header in seconds, a number or a date; what is past, nonsense or more than a day counts as absent."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if 0 <= seconds < _A_DAY_SECONDS else None
