"""The generator's tables and every query on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from pydantic import TypeAdapter

from chassis.crypto import Keyring
from chassis.database import Transaction
from chassis.ids import new_id
from chassis.messaging.jobs import Job
from schemas.careplan import CarePlan, ProducedBy, Review, Signature, unpack
from schemas.order import Finding, Order
from services.generator.adapters.model import ModelAnswer

_KEEP_ORDERS = """
INSERT INTO accepted_orders (order_id, accepted_at, order_body, findings)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::json[], $4::json[]) ON CONFLICT DO NOTHING
"""
_ASSIGNMENTS = """
SELECT order_id, accepted_at, order_body, findings FROM accepted_orders WHERE order_id = ANY($1::uuid[])
"""


_FINDINGS = TypeAdapter(tuple[Finding, ...])


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a plan is to be written for. `findings`: what validation found, confirmed warnings included."""

    order: Order
    accepted_at: datetime
    findings: tuple[Finding, ...] = ()


async def keep_orders(tx: Transaction, accepted: Sequence[tuple[UUID, Assignment]]) -> None:
    await tx.execute(
        _KEEP_ORDERS,
        [order_id for order_id, _ in accepted],
        [assignment.accepted_at for _, assignment in accepted],
        [assignment.order.model_dump_json() for _, assignment in accepted],
        [_FINDINGS.dump_json(assignment.findings).decode() for _, assignment in accepted],
    )


async def assignments(tx: Transaction, order_ids: Sequence[UUID]) -> dict[UUID, Assignment]:
    rows = await tx.fetch(_ASSIGNMENTS, order_ids)
    return {row["order_id"]: _assignment(row) for row in rows}


def _assignment(row: Record) -> Assignment:
    return Assignment(
        Order.model_validate_json(row["order_body"]), row["accepted_at"], _FINDINGS.validate_json(row["findings"])
    )


# Conditional on the lease's generation: what a paused worker brings late is not kept.
_KEEP_ANSWER = """
INSERT INTO model_answers (job_id, generation, key_id, sealed, input_digest)
SELECT id, generation, $3, $4, $5 FROM jobs WHERE id = $1 AND generation = $2
ON CONFLICT DO NOTHING
"""
_ANSWERS = "SELECT generation, key_id, sealed, refused FROM model_answers WHERE job_id = $1 ORDER BY generation"
_REFUSE_ANSWER = (
    "UPDATE model_answers SET refused = true, key_id = $3, sealed = $4 WHERE job_id = $1 AND generation = $2"
)


# An answer that nobody refused, of a job that is done, is one that became a plan.
_ANSWER_TO = """
SELECT job_id, key_id, sealed FROM model_answers AS a
WHERE input_digest = $1 AND NOT refused AND NOT EXISTS (SELECT FROM jobs WHERE id = a.job_id)
ORDER BY created_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A billed answer; `complaints` are why it was refused, empty while nobody has read it."""

    generation: int
    answer: ModelAnswer
    seconds: float
    refused: bool
    complaints: tuple[str, ...] = ()


_KEPT = TypeAdapter(KeptAnswer)


async def keep_answer(
    tx: Transaction, job: Job, kept: KeptAnswer, keyring: Keyring, input_digest: bytes | None = None
) -> None:
    sealed = keyring.seal(_KEPT.dump_json(kept), job.id.bytes)
    await tx.execute(_KEEP_ANSWER, job.id, job.generation, keyring.active, sealed, input_digest)


async def answer_to(tx: Transaction, input_digest: bytes, keyring: Keyring) -> ModelAnswer | None:
    """What a model has said to this input before, where a plan was made of it."""
    row = await tx.fetchrow(_ANSWER_TO, input_digest)
    if row is None:
        return None
    return _KEPT.validate_json(keyring.open(row["key_id"], row["sealed"], row["job_id"].bytes)).answer


async def refuse_answer(tx: Transaction, job: Job, kept: KeptAnswer, keyring: Keyring) -> None:
    sealed = keyring.seal(_KEPT.dump_json(kept), job.id.bytes)
    await tx.execute(_REFUSE_ANSWER, job.id, kept.generation, keyring.active, sealed)


async def answers_of(tx: Transaction, job: Job, keyring: Keyring) -> list[KeptAnswer]:
    """Oldest first."""
    rows = await tx.fetch(_ANSWERS, job.id)
    return [_KEPT.validate_json(keyring.open(row["key_id"], row["sealed"], job.id.bytes)) for row in rows]


_ADD_CAREPLANS = """
WITH plans AS (
    INSERT INTO careplans (careplan_id, order_id, version, review)
    SELECT careplan_id, order_id, 1, 'draft' FROM unnest($1::uuid[], $2::uuid[]) AS t (careplan_id, order_id)
    RETURNING careplan_id
)
INSERT INTO careplan_versions (careplan_id, version, careplan, created_at, created_by)
SELECT careplan_id, 1, careplan, $4, 'generator' FROM unnest($1::uuid[], $3::bytea[]) AS t (careplan_id, careplan)
"""


async def add_careplans(tx: Transaction, plans: Sequence[tuple[UUID, bytes]]) -> list[UUID]:
    """Stores the first version of each order's plan, packed; returns the plans' new ids."""
    careplan_ids = [new_id() for _ in plans]
    await tx.execute(
        _ADD_CAREPLANS,
        careplan_ids,
        [order_id for order_id, _ in plans],
        [packed for _, packed in plans],
        tx.now,
    )
    return careplan_ids


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """The current version of a plan, and what it was written for."""

    order_id: UUID
    assignment: Assignment
    version: int
    review: Review
    careplan: CarePlan


_PLAN_LOCKED = """
SELECT c.order_id, o.order_body, o.accepted_at, o.findings, c.version, c.review, v.careplan
FROM careplans AS c JOIN careplan_versions AS v USING (careplan_id, version) JOIN accepted_orders AS o USING (order_id)
WHERE c.careplan_id = $1 FOR UPDATE OF c
"""
_ALL_VERSIONS = "SELECT careplan FROM careplan_versions WHERE careplan_id = $1 ORDER BY version"
_ADD_VERSION = """
INSERT INTO careplan_versions (careplan_id, version, careplan, created_at, created_by, note)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_NEW_DRAFT = "UPDATE careplans SET version = $2, review = 'draft' WHERE careplan_id = $1"
_APPROVE = "UPDATE careplans SET review = 'approved' WHERE careplan_id = $1"
_NOTES = "SELECT note FROM careplan_versions WHERE careplan_id = $1 AND note <> '' ORDER BY version"
_FIRST_VERSION = "SELECT careplan FROM careplan_versions WHERE careplan_id = $1 ORDER BY version LIMIT 1"
_ADD_REJECTIONS = """
INSERT INTO rejections (careplan_id, version, item, reason, rejected_by, rejected_at, provider, model, prompt_version)
SELECT $1, $2, item, reason, $3, $4, $7, $8, $9 FROM unnest($5::text[], $6::text[]) AS t (item, reason)
"""
# The letter of an item's id says of which section it is; the same words in another case are the same reason.
_REJECTIONS = """
SELECT left(item, 1) AS letter, lower(btrim(reason)) AS reason, provider, model, prompt_version, count(*) AS times,
       max(rejected_at) AS latest
FROM rejections
WHERE rejected_at >= coalesce($1::date, '-infinity'::date)::timestamp AT TIME ZONE 'UTC'
  AND rejected_at < (coalesce($2::date, 'infinity'::date) + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3, 4, 5 ORDER BY times DESC, reason LIMIT 500
"""


async def plan_for_review(tx: Transaction, careplan_id: UUID) -> StoredPlan | None:
    """Locked until the transaction ends: of two who revise at once, the second sees the first one's version."""
    row = await tx.fetchrow(_PLAN_LOCKED, careplan_id)
    if row is None:
        return None
    return StoredPlan(row["order_id"], _assignment(row), row["version"], row["review"], unpack(row["careplan"]))


async def all_versions(tx: Transaction, careplan_id: UUID) -> list[CarePlan]:
    return [unpack(row["careplan"]) for row in await tx.fetch(_ALL_VERSIONS, careplan_id)]


async def add_version(
    tx: Transaction, careplan_id: UUID, version: int, packed: bytes, revised: Signature, note: str
) -> None:
    await tx.execute(_ADD_VERSION, careplan_id, version, packed, revised.at, revised.by, note)
    await tx.execute(_NEW_DRAFT, careplan_id, version)


async def mark_approved(tx: Transaction, careplan_id: UUID) -> None:
    await tx.execute(_APPROVE, careplan_id)


async def revision_notes(tx: Transaction, careplan_id: UUID) -> list[str]:
    return [row["note"] for row in await tx.fetch(_NOTES, careplan_id)]


async def first_version(tx: Transaction, careplan_id: UUID) -> CarePlan:
    """As the generator wrote it."""
    return unpack(await tx.fetchval(_FIRST_VERSION, careplan_id))


async def add_rejections(
    tx: Transaction, careplan_id: UUID, version: int, by: str, rejected: Sequence[tuple[str, str]], wrote: ProducedBy
) -> None:
    if rejected:
        items, reasons = [item for item, _ in rejected], [reason for _, reason in rejected]
        origin = (wrote.provider, wrote.model, wrote.prompt_version)
        await tx.execute(_ADD_REJECTIONS, careplan_id, version, by, tx.now, items, reasons, *origin)


async def rejections(tx: Transaction, first: date | None, last: date | None) -> list[dict[str, Any]]:
    """How often which reason was given, for what and about whose work."""
    return [dict(row) for row in await tx.fetch(_REJECTIONS, first, last)]
