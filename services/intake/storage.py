"""Intake's tables and every query on them. One statement a batch; rows become domain values here and nowhere else."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from chassis.answer import Answer
from chassis.audit.entry import Entry
from chassis.database import Transaction
from chassis.idempotency import Memo, answer_in
from schemas.order import Finding, Order
from services.intake.archive import KeptDocument
from services.intake.domain.orders import StoredOrder
from services.intake.domain.progress import TERMINAL, CurrentPlan, Progress, Step

CHANGES_CHANNEL = "intake_orders"
_IDS_A_NOTIFICATION = 200
"""PostgreSQL takes 8,000 bytes in one; an id and its comma are 37."""

_FINDINGS = TypeAdapter(tuple[Finding, ...])
_TIMELINE = TypeAdapter(tuple[Step, ...])


@dataclass(frozen=True, slots=True)
class NewOrder:
    order_id: UUID
    source: str
    external_id: str | None
    submitted_by: str
    order: Order
    notices: tuple[Finding, ...]
    warnings_accepted: bool
    memo: Memo | None
    first_answer: Answer
    documents: tuple[KeptDocument, ...] = ()
    trace: str | None = None
    """Of its own request: a commit is shared by many."""
    entry: Entry | None = None
    """Of the audit: who submits it. Carried along, because one transaction saves the orders of many requests."""


# Sorted, so that two batches with the same keys wait for each other instead of deadlocking.
_CLAIM_MEMOS = """
INSERT INTO idempotency (caller, path, key, fingerprint, subject, status, headers, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::uuid[], $6::integer[], $7::text[], $8::text[])
    AS t (caller, path, key, fingerprint, subject, status, headers, body)
ORDER BY caller, path, key
ON CONFLICT DO NOTHING RETURNING subject
"""
_FIND_MEMOS = """
SELECT i.* FROM unnest($1::text[], $2::text[], $3::text[]) AS t (caller, path, key)
JOIN idempotency AS i USING (caller, path, key)
"""


async def claim_memos(tx: Transaction, orders: Sequence[NewOrder]) -> dict[UUID, Answer]:
    """Keeps the first answer of each order with a key; returns the earlier answer of those whose key was used."""
    keyed = [(order, order.memo, order.first_answer) for order in orders if order.memo is not None]
    if not keyed:
        return {}
    claimed = await tx.fetch(
        _CLAIM_MEMOS,
        [memo.caller for _, memo, _ in keyed],
        [memo.path for _, memo, _ in keyed],
        [memo.key for _, memo, _ in keyed],
        [memo.fingerprint for _, memo, _ in keyed],
        [order.order_id for order, _, _ in keyed],
        [answer.status for _, _, answer in keyed],
        [json.dumps(answer.headers) for _, _, answer in keyed],
        [answer.body for _, _, answer in keyed],
    )
    mine = {row["subject"] for row in claimed}
    used = [(order, memo) for order, memo, _ in keyed if order.order_id not in mine]
    return await _earlier_answers(tx, used) if used else {}


async def _earlier_answers(tx: Transaction, used: Sequence[tuple[NewOrder, Memo]]) -> dict[UUID, Answer]:
    rows = await tx.fetch(
        _FIND_MEMOS, [memo.caller for _, memo in used], [memo.path for _, memo in used], [memo.key for _, memo in used]
    )
    found = {(row["caller"], row["path"], row["key"]): row for row in rows}
    # One reused key must not fail the whole batch: it is tried again alone, where it raises for itself.
    reused = any(found[memo.caller, memo.path, memo.key]["fingerprint"] != memo.fingerprint for _, memo in used)
    if reused and len(used) > 1:
        raise ValueError("a key of this batch was used with another body")
    return {order.order_id: answer_in(found[memo.caller, memo.path, memo.key], memo) for order, memo in used}


_INSERT_ORDERS = """
WITH new AS (
    INSERT INTO orders (order_id, source, external_id, submitted_by, submitted_at, updated_at, order_body, notices,
                        attempt, status, problems, timeline)
    SELECT order_id, source, external_id, submitted_by, $8, $8, body, notices, 1, 'pending', notices, $7
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::json[], $6::json[])
        AS t (order_id, source, external_id, submitted_by, body, notices)
    RETURNING order_id
)
INSERT INTO moving (order_id, nudge_at) SELECT order_id, now() + interval '30 s' FROM new
"""


async def insert_orders(tx: Transaction, orders: Sequence[NewOrder]) -> None:
    await tx.execute(
        _INSERT_ORDERS,
        [order.order_id for order in orders],
        [order.source for order in orders],
        [order.external_id for order in orders],
        [order.submitted_by for order in orders],
        [order.order.model_dump_json() for order in orders],
        [_FINDINGS.dump_json(order.notices).decode() for order in orders],
        _TIMELINE.dump_json((Step("pending", tx.now),)).decode(),
        tx.now,
    )


_ORDER = "SELECT * FROM orders WHERE order_id = $1"
_ORDER_LOCKED = "SELECT * FROM orders WHERE order_id = $1 FOR UPDATE"


async def order_by_id(tx: Transaction, order_id: UUID, *, lock: bool = False) -> StoredOrder | None:
    row = await tx.fetchrow(_ORDER_LOCKED if lock else _ORDER, order_id)
    if row is None:
        return None
    return StoredOrder(
        row["order_id"],
        row["source"],
        row["external_id"],
        row["submitted_at"],
        row["updated_at"],
        Order.model_validate_json(row["order_body"]),
        _FINDINGS.validate_json(row["notices"]),
        _progress_in(row),
    )


_STATUS = "SELECT status, attempt, updated_at, source FROM orders WHERE order_id = $1"


async def status_of(tx: Transaction, order_id: UUID) -> Any | None:
    """The row's status, attempt, updated_at and source: what a waiting request looks at."""
    return await tx.fetchrow(_STATUS, order_id)


# In the order of ids, as every writer of this table locks them.
_PROGRESS_LOCKED = """
SELECT order_id, attempt, status, problems, decided_attempt, timeline, careplan_id, careplan_version, review, careplan
FROM orders WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE
"""


async def progress_of(tx: Transaction, order_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    return {row["order_id"]: _progress_in(row) for row in await tx.fetch(_PROGRESS_LOCKED, order_ids)}


def _progress_in(row: Any) -> Progress:
    plan = None
    if row["careplan_id"] is not None:
        plan = CurrentPlan(row["careplan_id"], row["careplan_version"], row["review"], row["careplan"])
    return Progress(
        attempt=row["attempt"],
        status=row["status"],
        problems=_FINDINGS.validate_json(row["problems"]),
        decided_attempt=row["decided_attempt"],
        timeline=_TIMELINE.validate_json(row["timeline"]),
        plan=plan,
    )


_UPDATE_PROGRESS = """
UPDATE orders SET attempt = t.attempt, status = t.status, problems = t.problems, decided_attempt = t.decided_attempt,
    timeline = t.timeline, careplan_id = t.careplan_id, careplan_version = t.careplan_version, review = t.review,
    careplan = t.careplan, updated_at = $11
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::json[], $5::integer[], $6::json[], $7::uuid[], $8::integer[],
            $9::text[], $10::bytea[])
    AS t (order_id, attempt, status, problems, decided_attempt, timeline, careplan_id, careplan_version, review, careplan)
WHERE orders.order_id = t.order_id
"""
_STOP_MOVING = "DELETE FROM moving WHERE order_id = ANY($1::uuid[])"


async def save_progress(tx: Transaction, changed: dict[UUID, Progress]) -> None:
    """Saves, and tells whoever waits for one of these orders, on whichever replica."""
    progress = list(changed.values())
    plans = [p.plan for p in progress]
    await tx.execute(
        _UPDATE_PROGRESS,
        list(changed),
        [p.attempt for p in progress],
        [p.status for p in progress],
        [_FINDINGS.dump_json(p.problems).decode() for p in progress],
        [p.decided_attempt for p in progress],
        [_TIMELINE.dump_json(p.timeline).decode() for p in progress],
        [plan.careplan_id if plan else None for plan in plans],
        [plan.version if plan else None for plan in plans],
        [plan.review if plan else None for plan in plans],
        [plan.careplan if plan else None for plan in plans],
        tx.now,
    )
    resting = [order_id for order_id, p in changed.items() if p.status in TERMINAL or p.status == "needs_confirmation"]
    if resting:
        await tx.execute(_STOP_MOVING, resting)
    await _notify(tx, list(changed))


_START_MOVING = """
INSERT INTO moving (order_id, nudge_at) VALUES ($1, now() + interval '30 s')
ON CONFLICT (order_id) DO UPDATE SET nudges = 0, nudge_at = excluded.nudge_at
"""


async def start_moving(tx: Transaction, order_id: UUID) -> None:
    await tx.execute(_START_MOVING, order_id)


async def _notify(tx: Transaction, order_ids: Sequence[UUID]) -> None:
    for start in range(0, len(order_ids), _IDS_A_NOTIFICATION):
        payload = ",".join(map(str, order_ids[start : start + _IDS_A_NOTIFICATION]))
        await tx.execute("SELECT pg_notify($1, $2)", CHANGES_CHANNEL, payload)


# An order that has not moved for 30 seconds, then 1, 2, 4 … minutes more, has its last event sent again.
_NUDGE = """
WITH stuck AS (
    UPDATE moving SET nudges = nudges + 1, nudge_at = now() + interval '60 s' * 2 ^ least(nudges, 10)
    WHERE order_id IN (SELECT order_id FROM moving WHERE nudge_at <= now() ORDER BY nudge_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
    RETURNING order_id
), newest AS (
    SELECT max(id) AS id FROM outbox JOIN stuck ON subject = order_id GROUP BY subject
)
UPDATE outbox SET sent_at = NULL FROM newest WHERE outbox.id = newest.id AND sent_at IS NOT NULL
"""


async def nudge_stuck_orders(tx: Transaction) -> int:
    """Marks the last event of each stuck order unsent; returns how many."""
    return await tx.execute(_NUDGE)


_ICD10_BY_CODE = "SELECT code, billable FROM icd10 WHERE code = ANY($1::text[])"
_ICD10_SEARCH = """
SELECT code, description, billable FROM icd10
WHERE plain LIKE $1 OR words @@ to_tsquery('simple', $2)
ORDER BY plain LIKE $1 DESC, CASE WHEN plain LIKE $1 THEN plain END,
         description ILIKE split_part($2, ':', 1) || '%' DESC, billable DESC, length(description), code LIMIT $3
"""


async def billable_codes(tx: Transaction, codes: Sequence[str]) -> dict[str, bool]:
    """Code -> is it billable, for those that exist."""
    return {row["code"]: row["billable"] for row in await tx.fetch(_ICD10_BY_CODE, codes)}


async def search_icd10(tx: Transaction, code_prefix: str, word_query: str, limit: int) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.fetch(_ICD10_SEARCH, code_prefix, word_query, limit)]
