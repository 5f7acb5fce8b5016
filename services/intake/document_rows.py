"""The table of kept documents and every query on it; part of `storage`, which outgrew one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import Transaction, ids
from services.intake.archive import KeptDocument, Outcome


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One post of a partner, as an operator sees it in a list."""

    id: UUID
    source: str
    outcome: Outcome
    order_id: UUID | None
    content_type: str
    size: int
    sha256: str
    received_at: datetime
    resubmitted_at: datetime | None


_INSERT = """
INSERT INTO documents (id, order_id, source, kind, content_type, size, sha256, key_id, outcome, received_at, sealed)
SELECT id, order_id, source, kind, content_type, size, sha256, key_id, outcome, $11, sealed
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bytea[], $7::text[], $8::bytea[],
            $9::uuid[], $10::text[])
    AS t (id, source, kind, content_type, size, sha256, key_id, sealed, order_id, outcome)
"""


async def insert_documents(tx: Transaction, kept: Sequence[tuple[KeptDocument, UUID | None]]) -> None:
    """Each with its order, or None where it came to none: it was refused."""
    if not kept:
        return
    documents, order_ids = zip(*kept, strict=True)
    columns = [list(column) for column in zip(*documents, strict=True)]
    outcomes = ["refused" if order_id is None else "accepted" for order_id in order_ids]
    await tx.execute(_INSERT, *columns, list(order_ids), outcomes, tx.now)


# The newest first is the primary key backwards: ids are UUIDv7.
_LIST = """
SELECT id, source, outcome, order_id, content_type, size, encode(sha256, 'hex') AS sha256, received_at, resubmitted_at
FROM documents
WHERE kind = 'raw' AND ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR outcome = $2)
  AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""
_RAW = "SELECT * FROM documents WHERE id = $1 AND kind = 'raw'"
_KNOWN = "SELECT id FROM documents WHERE id = ANY($1::uuid[])"
_RESUBMITTED = "UPDATE documents SET resubmitted_at = $2 WHERE id = $1"


async def list_submissions(
    tx: Transaction, source: str | None, outcome: str | None, before: UUID | None, limit: int
) -> list[SubmissionRow]:
    rows = await tx.fetch(_LIST, source, outcome, before, limit)
    return [SubmissionRow(**dict(row)) for row in rows]


async def raw_submission(tx: Transaction, document_id: UUID) -> KeptDocument | None:
    row: Any = await tx.fetchrow(_RAW, document_id)
    if row is None:
        return None
    return KeptDocument(
        row["id"],
        row["source"],
        row["kind"],
        row["content_type"],
        row["size"],
        row["sha256"],
        row["key_id"],
        row["sealed"],
    )


async def known(tx: Transaction, document_ids: Sequence[UUID]) -> set[UUID]:
    """Those that have a row."""
    return ids(await tx.fetch(_KNOWN, document_ids))


async def mark_resubmitted(tx: Transaction, document_id: UUID) -> None:
    await tx.execute(_RESUBMITTED, document_id, tx.now)
