"""The cost ledger's queries: one row for each call to a model that somebody may send a bill for."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from chassis.database import Transaction
from chassis.ids import new_id
from chassis.messaging.jobs import Job
from schemas.careplan import ModelUse
from services.generator.domain.prices import Usage

_OPEN = """
INSERT INTO model_calls (call_id, order_id, job_id, attempt, provider, model, cost_usd, prices_as_of)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_CLOSE = """
UPDATE model_calls SET outcome = $2, seconds = $3, input_tokens = $4, cache_write_tokens = $5, cached_tokens = $6,
       output_tokens = $7, cost_usd = $8, reserved = false
WHERE call_id = $1
"""
_CLOSE_UNKNOWN = "UPDATE model_calls SET outcome = $2, seconds = $3 WHERE call_id = $1"
_FORGET = "DELETE FROM model_calls WHERE call_id = $1"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('careplan.model_budget'))"
_SPENT = """
SELECT coalesce(sum(cost_usd), 0) FROM model_calls
WHERE asked_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
"""
# A call that nobody billed took nothing: it stands in the ledger, and is not counted as one that was paid for.
_FIGURES = """
count(*) FILTER (WHERE reserved OR cost_usd IS NULL OR cost_usd > 0 OR outcome = 'ANSWERED') AS calls,
coalesce(sum(input_tokens + cache_write_tokens), 0)::bigint AS input_tokens,
coalesce(sum(cached_tokens), 0)::bigint AS cached_input_tokens,
coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
coalesce(sum(cost_usd), 0)::float8 AS cost_usd,
coalesce(sum(seconds), 0)::float8 AS seconds
"""
_OF_JOB = f"SELECT {_FIGURES} FROM model_calls WHERE job_id = $1"
_MORE = """
count(*) FILTER (WHERE outcome = 'ANSWERED') AS answered, count(DISTINCT order_id) AS orders,
count(*) FILTER (WHERE cost_usd IS NULL) AS without_price, coalesce(sum(cost_usd) FILTER (WHERE reserved), 0)::float8 AS reserved_usd
"""
_BETWEEN = """
WHERE asked_at >= coalesce($1::date, '-infinity'::date)::timestamp AT TIME ZONE 'UTC'
  AND asked_at < (coalesce($2::date, 'infinity'::date) + 1)::timestamp AT TIME ZONE 'UTC'
"""
_BY_DAY = f"""
SELECT (asked_at AT TIME ZONE 'UTC')::date AS day, {_FIGURES}, {_MORE} FROM model_calls {_BETWEEN} GROUP BY day ORDER BY day
"""
_BY_MODEL = f"""
SELECT provider, model, {_FIGURES}, {_MORE} FROM model_calls {_BETWEEN} GROUP BY provider, model ORDER BY cost_usd DESC, model
"""
_OF_ORDER = """
SELECT attempt, provider, model, asked_at, outcome, seconds, input_tokens, cache_write_tokens, cached_tokens, output_tokens,
       cost_usd::float8, reserved, prices_as_of
FROM model_calls WHERE order_id = $1 ORDER BY call_id
"""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that is about to be made; `most_usd` is set aside for it, None where there is no price."""

    call_id: UUID
    provider: str
    model: str
    most_usd: Decimal | None


async def open_call(
    tx: Transaction, job: Job, provider: str, model: str, most_usd: Decimal | None, prices_as_of: date
) -> OpenCall:
    call = OpenCall(new_id(), provider, model, most_usd)
    await tx.execute(_OPEN, call.call_id, job.subject, job.id, job.attempt, provider, model, most_usd, prices_as_of)
    return call


async def close_call(
    tx: Transaction, call: OpenCall, outcome: str, seconds: float, usage: Usage, cost_usd: Decimal | None
) -> None:
    tokens = (usage.input_tokens, usage.cache_write_tokens, usage.cached_tokens, usage.output_tokens)
    await tx.execute(_CLOSE, call.call_id, outcome, seconds, *tokens, cost_usd)


async def close_unknown(tx: Transaction, call: OpenCall, outcome: str, seconds: float) -> None:
    """It may have been billed, and nobody said how much: what was set aside for it stays its cost."""
    await tx.execute(_CLOSE_UNKNOWN, call.call_id, outcome, seconds)


async def forget_call(tx: Transaction, call: OpenCall) -> None:
    """It was not made after all."""
    await tx.execute(_FORGET, call.call_id)


async def lock_budget(tx: Transaction) -> None:
    """Two calls at once, of any process, cannot both take the last of the budget."""
    await tx.execute(_LOCK)


async def spent_this_month(tx: Transaction) -> Decimal:
    """With what is set aside for calls that have not ended."""
    return Decimal(await tx.fetchval(_SPENT))


async def use_of(tx: Transaction, job: Job) -> ModelUse:
    row = await tx.fetchrow(_OF_JOB, job.id)
    assert row is not None
    return ModelUse(**dict(row))


async def by_day(tx: Transaction, first: date | None, last: date | None) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.fetch(_BY_DAY, first, last)]


async def by_model(tx: Transaction, first: date | None, last: date | None) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.fetch(_BY_MODEL, first, last)]


async def of_order(tx: Transaction, order_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.fetch(_OF_ORDER, order_id)]
