"""Stands before a provider, and lets nobody through while that makes no sense.

A pause: the provider said how long to wait (`Retry-After`), and every order of this process keeps to it. A breaker: after
so many calls in a row that hung, broke off or were not taken, the next are not made; then one is tried, and its outcome
decides. Neither counts as a try: a model that hangs must not use up the tries of the orders that wait behind.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import CLOSED, HALF_OPENED, OpenedState

from services.generator import metrics
from services.generator.adapters.model import LanguageModel, ModelAnswer, ModelFailed, ModelUnavailable
from services.generator.domain.request import PlanRequest

LONGEST_PAUSE_SECONDS = 60.0
_BRIEF_SECONDS = 1.0
_NO_OUTAGE = ("TOO_LONG", "REFUSED", "REQUEST_REFUSED")


def _says_nothing_of_the_provider(failed: BaseException) -> bool:
    return isinstance(failed, ModelFailed) and failed.reason in _NO_OUTAGE


@dataclass
class Gate:
    """One for each provider, shared by its models: they go away together."""

    provider: str
    failures: int = 5
    rest_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _paused_until: float = 0.0
    _probing: bool = False
    _breakers: AsyncCircuitBreakerFactory = field(init=False)

    def __post_init__(self) -> None:
        self._breakers = AsyncCircuitBreakerFactory(
            self.failures,
            self.rest_seconds,
            exclude=[asyncio.CancelledError, (ModelFailed, _says_nothing_of_the_provider)],
        )
        metrics.BREAKER_OPEN.labels(self.provider).set(0)
        metrics.MODEL_SECONDS.labels(self.provider, "answered")  # an alert counts from its 0

    @property
    def paused_seconds(self) -> float:
        return max(self._paused_until - self.clock(), 0.0)

    async def state(self) -> str:
        """One of "closed", "opened", "half-opened"."""
        return (await self._breakers.get_breaker(self.provider)).context.state

    async def refuse_if_shut(self) -> None:
        """ModelUnavailable where a call would not be made."""
        if self.paused_seconds:
            raise ModelUnavailable("PAUSED", self.paused_seconds, asked=False)
        breaker = (await self._breakers.get_breaker(self.provider)).context
        left = (breaker.opened_at or 0.0) + breaker.ttl - time.time() if breaker.state != CLOSED else 0.0
        if left > 0 or self._probing:
            raise ModelUnavailable("BREAKER_OPEN", max(left, _BRIEF_SECONDS), asked=False)

    async def through(self, model: LanguageModel, request: PlanRequest, complaints: Sequence[str]) -> ModelAnswer:
        await self.refuse_if_shut()
        breaker = await self._breakers.get_breaker(self.provider)
        probe = False
        try:
            async with breaker:
                probe = self._probing = breaker.context.state == HALF_OPENED
                return await model.write(request, complaints)
        except OpenedState:
            raise ModelUnavailable("BREAKER_OPEN", self.rest_seconds, asked=False) from None
        except ModelUnavailable as away:
            self._pause(away.retry_after)
            raise
        finally:
            if probe:
                self._probing = False
            metrics.BREAKER_OPEN.labels(self.provider).set(breaker.context.state != CLOSED)

    def _pause(self, seconds: float | None) -> None:
        """Until then no other order of this process asks either: the provider would only refuse it as well."""
        if seconds is not None:
            self._paused_until = max(self._paused_until, self.clock() + min(seconds, LONGEST_PAUSE_SECONDS))


@dataclass(frozen=True)
class Gated:
    """A language model behind its provider's gate."""

    inner: LanguageModel
    gate: Gate

    @property
    def provider(self) -> str:
        return self.inner.provider

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def billed(self) -> bool:
        return self.inner.billed

    @property
    def prompt_version(self) -> str:
        return self.inner.prompt_version

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        """ModelUnavailable without a call while the gate is shut."""
        return await self.gate.through(self.inner, request, complaints)
