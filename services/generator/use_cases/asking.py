"""One question to a language model, paid for, and its answer kept before anybody reads it.

    the same was answered before? ──yes──> that answer, free
              └──no──> for each model that may write: within the budget? ──> a row in the ledger ──> the call
                                        ──> what it took into the ledger, its answer beside it, in one commit

The next model is asked only where nobody was billed by the one before.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from chassis import failpoints
from chassis.crypto import Keyring
from chassis.database import Database
from chassis.messaging.jobs import Job
from chassis.telemetry import log
from services.generator import ledger, metrics, storage
from services.generator.adapters.model import (
    MOST_OUTPUT_TOKENS,
    LanguageModel,
    ModelAnswer,
    ModelFailed,
    ModelUnavailable,
)
from services.generator.domain.prices import NOTHING_USED, Prices, Usage, estimated
from services.generator.domain.request import PlanRequest
from services.generator.ledger import OpenCall
from services.generator.letter import fingerprint, letter
from services.generator.storage import KeptAnswer

ANSWERED = "ANSWERED"
BUDGET_USED_UP = "BUDGET_USED_UP"
_LOOK_AGAIN_SECONDS = 300.0


@dataclass
class Budget:
    """For a calendar month (UTC). None: no limit."""

    monthly_usd: Decimal | None = None
    used_up: bool = False

    def __post_init__(self) -> None:
        metrics.MODEL_BUDGET.set(float(self.monthly_usd or 0))

    def admits(self, spent: Decimal, most: Decimal) -> bool:
        """Whether a call that takes `most` still fits; told once in the log when that changes."""
        if self.monthly_usd is None:
            return True
        used_up = spent + most > self.monthly_usd
        if used_up != self.used_up:
            log.warning("model.budget", used_up=used_up, spent_usd=float(spent), budget_usd=float(self.monthly_usd))
        self.used_up = used_up
        metrics.MODEL_SPENT.set(float(spent))
        metrics.BUDGET_USED_UP.set(used_up)
        return not used_up


@dataclass(frozen=True)
class Asking:
    database: Database
    keyring: Keyring
    candidates: Callable[[PlanRequest, Sequence[str]], Sequence[LanguageModel]]
    """The models that may write this plan, the first choice first."""
    prices: Prices
    budget: Budget
    look_up: Callable[[UUID, PlanRequest], Awaitable[PlanRequest]] | None = None
    """Chooses what a model reads of long records."""

    async def ask(self, job: Job, request: PlanRequest, complaints: Sequence[str]) -> KeptAnswer:
        """ModelUnavailable where nobody wrote and nobody was billed; ModelFailed where somebody may have been."""
        models = self.candidates(request, complaints)
        if not models[0].billed:
            return await _ask_for_free(models[0], job, request, complaints)
        if self.look_up:
            request = await self.look_up(job.subject, request)
        digest = fingerprint(request, models[0].provider, models[0].model) if job.billed_tries == 1 else None
        if digest and (known := await self._answered_before(digest)):
            metrics.ANSWERS_REUSED.inc()
            return _kept(job, known, 0.0)
        return await self._ask_one_of(models, job, request, complaints, digest)

    async def _answered_before(self, digest: bytes) -> ModelAnswer | None:
        async with self.database.reading() as db:
            return await storage.answer_to(db, digest, self.keyring)

    async def _ask_one_of(
        self,
        models: Sequence[LanguageModel],
        job: Job,
        request: PlanRequest,
        complaints: Sequence[str],
        digest: bytes | None,
    ) -> KeptAnswer:
        away: list[ModelUnavailable] = []
        for model in models:
            try:
                return await self._ask_and_keep(model, job, request, complaints, digest if model is models[0] else None)
            except ModelUnavailable as reason:
                if reason.reason == BUDGET_USED_UP:
                    raise
                away.append(reason)
        # The first that may be back decides when to look again.
        raise min(away, key=lambda reason: reason.retry_after or 0.0)

    async def _ask_and_keep(
        self, model: LanguageModel, job: Job, request: PlanRequest, complaints: Sequence[str], digest: bytes | None
    ) -> KeptAnswer:
        if not model.billed:
            return await _ask_for_free(model, job, request, complaints)
        call = await self._open(model, job, letter(request, complaints).size)
        started = time.monotonic()
        try:
            _refuse_without_a_lease(job)
            answer = await model.write(request, complaints)
        except (ModelUnavailable, ModelFailed) as error:
            await self._close_in_vain(call, error, time.monotonic() - started)
            raise
        if failpoints.armed:
            await failpoints.reach("model")
        new = _kept(job, answer, time.monotonic() - started)
        cost = self._cost(call, answer.usage)
        async with self.database.transaction() as tx:
            await ledger.close_call(tx, call, ANSWERED, new.seconds, answer.usage, cost)
            await storage.keep_answer(tx, job, new, self.keyring, digest)
        if failpoints.armed:
            await failpoints.reach("answer")
        _count(call, "answered", new.seconds, answer.usage, cost)
        return new

    async def _open(self, model: LanguageModel, job: Job, prompt_bytes: int) -> OpenCall:
        price = self.prices.of(model.provider, model.model)
        most = price.cost(estimated(prompt_bytes, MOST_OUTPUT_TOKENS)) if price else None
        async with self.database.transaction() as tx:
            if self.budget.monthly_usd is not None:
                await ledger.lock_budget(tx)
                if not self.budget.admits(await ledger.spent_this_month(tx), most or Decimal(0)):
                    raise ModelUnavailable(BUDGET_USED_UP, _LOOK_AGAIN_SECONDS)
            return await ledger.open_call(tx, job, model.provider, model.model, most, self.prices.as_of)

    async def _close_in_vain(self, call: OpenCall, error: ModelUnavailable | ModelFailed, seconds: float) -> None:
        used, cost = self._spent(call, error)
        async with self.database.transaction() as tx:
            match error:
                case ModelUnavailable(asked=False):
                    await ledger.forget_call(tx, call)
                case ModelFailed(usage=None):
                    await ledger.close_unknown(tx, call, error.reason, seconds)
                case _:
                    await ledger.close_call(tx, call, error.reason, seconds, used, cost)
        _count(call, error.reason, seconds, used, cost)

    def _spent(self, call: OpenCall, error: ModelUnavailable | ModelFailed) -> tuple[Usage, Decimal | None]:
        """The most that it may have cost, where nobody said."""
        match error:
            case ModelUnavailable():
                return NOTHING_USED, Decimal(0)
            case ModelFailed(usage=Usage() as usage):
                return usage, self._cost(call, usage)
            case _:
                return NOTHING_USED, call.most_usd

    def _cost(self, call: OpenCall, usage: Usage) -> Decimal | None:
        price = self.prices.of(call.provider, call.model)
        return price.cost(usage) if price else None


async def _ask_for_free(model: LanguageModel, job: Job, request: PlanRequest, complaints: Sequence[str]) -> KeptAnswer:
    """Nothing is kept: such an answer costs nothing to have again."""
    started = time.monotonic()
    new = _kept(job, await model.write(request, complaints), time.monotonic() - started)
    metrics.MODEL_SECONDS.labels(model.provider, "answered").observe(new.seconds)
    return new


def _refuse_without_a_lease(job: Job) -> None:
    """Who was paused may be at the point of asking what a successor has long written: nobody is asked, and no try counts."""
    if job.lease.ran_out:
        raise ModelUnavailable("LEASE_RAN_OUT", asked=False)


def _kept(job: Job, answer: ModelAnswer, seconds: float) -> KeptAnswer:
    return KeptAnswer(job.generation, answer, seconds, refused=False)


def _count(call: OpenCall, outcome: str, seconds: float, usage: Usage, cost: Decimal | None) -> None:
    metrics.MODEL_SECONDS.labels(call.provider, outcome).observe(seconds)
    metrics.count_call(call.provider, call.model, usage, cost)
