"""The read model in PostgreSQL. Merging happens in the statement, so that facts may come in any order, and twice."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from chassis.database import Database, Transaction
from schemas.order import Finding
from services.reporting.domain.read_model import Change, Version, searched_text

_FINDINGS = TypeAdapter(tuple[Finding, ...])

# Rows in the order of ids, as every writer takes them: two members that handle the same orders never deadlock.
_MERGE_ORDERS = """
INSERT INTO orders AS o (order_id, updated_at, source, external_id, submitted_at, order_date, order_body, medication,
    searched, attempt, rank, status, decided_attempt, problems, accepted_at, ended_at, careplan_id, careplan_version,
    review, approved_at, model_use, failure)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::timestamptz[], $6::date[], $7::json[],
    $8::text[], $9::text[], $10::integer[], $11::integer[], $12::text[], $13::integer[], $14::json[], $15::timestamptz[],
    $16::timestamptz[], $17::uuid[], $18::integer[], $19::text[], $20::timestamptz[], $21::jsonb[],
    $22::json[]) AS t (order_id)
ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET
    updated_at = greatest(o.updated_at, excluded.updated_at),
    source = coalesce(o.source, excluded.source),
    external_id = coalesce(o.external_id, excluded.external_id),
    submitted_at = coalesce(o.submitted_at, excluded.submitted_at),
    order_date = coalesce(o.order_date, excluded.order_date),
    order_body = coalesce(o.order_body, excluded.order_body),
    medication = coalesce(o.medication, excluded.medication),
    searched = coalesce(o.searched, excluded.searched),
    (attempt, rank, status, ended_at, failure) = (
        SELECT * FROM (VALUES (o.attempt, o.rank, o.status, o.ended_at, o.failure),
                              (excluded.attempt, excluded.rank, excluded.status, excluded.ended_at, excluded.failure))
            AS v (attempt, rank, status, ended_at, failure) ORDER BY attempt DESC, rank DESC LIMIT 1),
    problems = CASE WHEN excluded.decided_attempt > o.decided_attempt THEN excluded.problems ELSE o.problems END,
    decided_attempt = greatest(o.decided_attempt, excluded.decided_attempt),
    accepted_at = coalesce(o.accepted_at, excluded.accepted_at),
    model_use = o.model_use || excluded.model_use,
    (careplan_id, careplan_version, review, approved_at) = (
        SELECT * FROM (VALUES (o.careplan_id, o.careplan_version, o.review, o.approved_at),
                              (excluded.careplan_id, excluded.careplan_version, excluded.review, excluded.approved_at))
            AS v (careplan_id, careplan_version, review, approved_at)
        ORDER BY careplan_version DESC NULLS LAST, review = 'approved' DESC NULLS LAST LIMIT 1)
"""


async def merge_orders(tx: Transaction, changes: Sequence[Change]) -> None:
    rows = [_columns(change) for change in changes]
    await tx.execute(_MERGE_ORDERS, *(list(column) for column in zip(*rows, strict=True)))


def _columns(c: Change) -> tuple[Any, ...]:
    s, reached = c.submitted, c.reached
    return (
        c.order_id,
        c.at,
        s.source if s else None,
        s.external_id if s else None,
        s.at if s else None,
        s.order.order_date if s else None,
        s.order.model_dump_json(exclude={"patient_records"}) if s else None,
        s.order.medication if s else None,
        searched_text(s.order) if s else None,
        reached.attempt if reached else 0,
        reached.rank if reached else -1,
        reached.status if reached else "pending",
        c.decided_attempt,
        _FINDINGS.dump_json(c.problems).decode() if c.problems is not None else None,
        c.accepted_at,
        reached.ended_at if reached else None,
        c.careplan_id,
        c.careplan_version,
        c.review,
        c.approved_at,
        json.dumps({attempt: use.model_dump() for attempt, use in c.model_use.items()}),
        reached.failure.model_dump_json() if reached and reached.failure else None,
    )


_MERGE_VERSIONS = """
INSERT INTO careplan_versions AS v (careplan_id, version, order_id, careplan, created_at, created_by, note, approved_at,
    approved_by, changes)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bytea[], $5::timestamptz[], $6::text[], $7::text[],
    $8::timestamptz[], $9::text[], $10::json[]) AS t (careplan_id, version)
ORDER BY careplan_id, version
ON CONFLICT (careplan_id, version) DO UPDATE SET
    careplan = coalesce(v.careplan, excluded.careplan),
    created_at = coalesce(v.created_at, excluded.created_at),
    created_by = coalesce(v.created_by, excluded.created_by),
    note = coalesce(v.note, excluded.note),
    approved_at = coalesce(v.approved_at, excluded.approved_at),
    approved_by = coalesce(v.approved_by, excluded.approved_by),
    changes = coalesce(v.changes, excluded.changes)
"""


async def merge_versions(tx: Transaction, versions: Sequence[Version]) -> None:
    rows = [
        (
            v.careplan_id,
            v.version,
            v.order_id,
            v.careplan,
            v.created_at,
            v.created_by,
            v.note,
            v.approved_at,
            v.approved_by,
            v.changes.model_dump_json() if v.changes else None,
        )
        for v in versions
    ]
    if rows:
        await tx.execute(_MERGE_VERSIONS, *(list(column) for column in zip(*rows, strict=True)))


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search or a report is limited to. Dates are order dates, inclusive."""

    words: tuple[str, ...] = ()
    status: str | None = None
    review: str | None = None
    source: str | None = None
    medication: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    before: UUID | None = None

    def where(self) -> tuple[str, list[Any]]:
        """A condition and its arguments. Texts are arguments, never part of the SQL."""
        conditions: list[str] = ["order_body IS NOT NULL"]
        arguments: list[Any] = []

        def require(condition: str, argument: Any) -> None:
            arguments.append(argument)
            conditions.append(condition.format(f"${len(arguments)}"))

        for word in self.words:
            require("searched LIKE {}", f"%{_literal(word)}%")
        if self.status:
            require("status = {}", self.status)
        if self.review:
            require("review = {}", self.review)
        if self.source:
            require("source = {}", self.source)
        if self.medication:
            require("medication ILIKE {}", f"%{_literal(self.medication)}%")
        if self.first_day:
            require("order_date >= {}", self.first_day)
        if self.last_day:
            require("order_date <= {}", self.last_day)
        if self.before:
            require("order_id < {}", self.before)
        return " AND ".join(conditions), arguments


def _literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


_SHOWN = """
SELECT order_id, source, external_id, status, submitted_at, updated_at, order_body, problems, failure, careplan_id,
       careplan_version, review
FROM orders"""
_PAGE = _SHOWN + " WHERE {where} ORDER BY order_id DESC LIMIT {limit}"
_BY_ID = _SHOWN + " WHERE order_id = ANY($1::uuid[]) AND order_body IS NOT NULL ORDER BY order_id DESC"


async def page_of_orders(tx: Transaction, wanted: Filter, limit: int) -> list[Any]:
    """Newest first: ids are made at submission and sort by time."""
    where, arguments = wanted.where()
    return await tx.fetch(_PAGE.format(where=where, limit=int(limit)), *arguments)


async def orders_by_id(tx: Transaction, order_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(_BY_ID, order_ids)


_CAREPLAN = """
SELECT v.careplan_id, v.order_id, v.version, v.careplan, o.source, o.order_body,
       CASE WHEN v.version = o.careplan_version THEN o.review
            WHEN v.approved_at IS NOT NULL THEN 'approved' ELSE 'draft' END AS review
FROM careplan_versions AS v JOIN orders AS o ON o.order_id = v.order_id
WHERE v.careplan_id = $1 AND v.version = coalesce($2, o.careplan_version)
  AND v.careplan IS NOT NULL AND o.order_body IS NOT NULL
"""
_VERSIONS = """
SELECT version, created_at, created_by, note, approved_at, approved_by, changes
FROM careplan_versions WHERE careplan_id = $1 AND careplan IS NOT NULL ORDER BY version
"""


async def careplan_by_id(
    tx: Transaction, careplan_id: UUID, version: int | None = None
) -> tuple[Any, list[Any]] | None:
    """A version (the current one, where none is named) with its order, and the list of all versions."""
    row = await tx.fetchrow(_CAREPLAN, careplan_id, version)
    return None if row is None else (row, await tx.fetch(_VERSIONS, careplan_id))


_REPORT = """
SELECT order_id, external_id, source, order_date, medication, order_body->>'primary_diagnosis' AS primary_diagnosis,
       ARRAY(SELECT json_array_elements_text(order_body->'additional_diagnoses')) AS additional_diagnoses, order_body->'provider'->>'npi' AS provider_npi,
       submitted_at, ended_at AS completed_at, careplan_id, careplan_version, review, approved_at
FROM orders WHERE {where} AND status = 'completed' ORDER BY order_id
"""


async def report_rows(database: Database, wanted: Filter) -> AsyncIterator[Any]:
    """Every completed order, a few hundred in memory at a time."""
    where, arguments = wanted.where()
    async with database.transaction() as tx:
        async for row in tx.connection.cursor(_REPORT.format(where=where), *arguments, prefetch=500):
            yield row


_COUNTS = "SELECT {column} AS name, count(*) AS orders FROM orders WHERE {where} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50"
_WITH_USE = """FROM orders, LATERAL (
    SELECT sum((use->>'calls')::bigint) AS calls, sum((use->>'input_tokens')::bigint) AS input_tokens,
           sum((use->>'cached_input_tokens')::bigint) AS cached_input_tokens,
           sum((use->>'output_tokens')::bigint) AS output_tokens, sum((use->>'cost_usd')::float8) AS cost_usd
    FROM jsonb_path_query(model_use, '$.*') AS use
) AS used WHERE {where}
"""
_MEASURES = """count(*) AS orders,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - submitted_at))
           FILTER (WHERE status = 'completed') AS seconds_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - submitted_at))
           FILTER (WHERE status = 'completed') AS seconds_p95,
       count(*) FILTER (WHERE EXISTS (SELECT FROM json_array_elements(problems) AS p WHERE p->>'type' = 'warning'))
           AS with_warnings,
       coalesce(sum(used.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(used.output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(used.cost_usd), 0) AS cost_usd"""
_BY_DAY = f"""
SELECT order_date AS day, {_MEASURES},
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status = 'rejected') AS rejected
{_WITH_USE} GROUP BY 1 ORDER BY 1 DESC LIMIT 400
"""
_FIGURES = f"""
SELECT {_MEASURES},
       count(*) FILTER (WHERE review = 'approved') AS approved,
       coalesce(sum(used.calls), 0)::bigint AS calls,
       coalesce(sum(used.cached_input_tokens), 0)::bigint AS cached_input_tokens
{_WITH_USE}"""


async def summary(tx: Transaction, wanted: Filter) -> dict[str, Any]:
    where, arguments = wanted.where()
    figures = await tx.fetchrow(_FIGURES.format(where=where), *arguments)
    assert figures is not None
    return {
        "figures": dict(figures),
        "by_status": await _counts(tx, "status", where, arguments),
        "by_source": await _counts(tx, "source", where, arguments),
        "by_medication": await _counts(tx, "medication", where, arguments),
        "by_day": [dict(row) for row in await tx.fetch(_BY_DAY.format(where=where), *arguments)],
    }


async def _counts(tx: Transaction, column: str, where: str, arguments: list[Any]) -> dict[str, int]:
    rows = await tx.fetch(_COUNTS.format(column=column, where=where), *arguments)
    return {row["name"]: row["orders"] for row in rows}
