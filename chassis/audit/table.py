"""The audit table: rows go in, and never change. The service's own role may insert and read, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.audit.entry import Row

AUDIT_TABLE = """
CREATE TABLE audit (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    subject   text        NOT NULL,
    acting_as text        NOT NULL,
    token_id  uuid,
    action    text        NOT NULL,
    entities  text[]      NOT NULL,
    address   text        NOT NULL,
    outcome   integer     NOT NULL
);
CREATE INDEX audit_at ON audit USING brin (at);
CREATE TABLE audit_seals (
    number    bigint      PRIMARY KEY,
    last_id   bigint      NOT NULL,
    rows      integer     NOT NULL,
    sealed_at timestamptz NOT NULL,
    digest    bytea       NOT NULL
);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals EXECUTE FUNCTION refuse_change()
"""

APPEND_ONLY = ("audit", "audit_seals")
"""`chassis.migrate` takes the right to change these from the service's role."""

_WRITE = """
INSERT INTO audit (at, subject, acting_as, token_id, action, entities, address, outcome)
SELECT at, subject, acting_as, token_id, action, string_to_array(entities, ' '), address, outcome
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::integer[])
    AS t (at, subject, acting_as, token_id, action, entities, address, outcome)
"""

# Newest first is the primary key backwards.
_PAGE = """
SELECT id, at, subject, acting_as, token_id, action, entities, address, outcome FROM audit
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR action = $3)
  AND ($4::text IS NULL OR $4 = ANY (entities)) AND ($5::timestamptz IS NULL OR at >= $5)
  AND ($6::timestamptz IS NULL OR at < $6)
ORDER BY id DESC LIMIT $7
"""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None: whatever it is."""

    subject: str | None = None
    action: str | None = None
    entity: str | None = None
    since: datetime | None = None
    before: datetime | None = None


async def write_rows(connection: Any, rows: Sequence[Row]) -> None:
    """One statement, however many."""
    await connection.execute(_WRITE, *(list(column) for column in zip(*rows, strict=True)))


async def page(connection: Any, wanted: AuditFilter, below: int | None, limit: int) -> list[Any]:
    """Newest first, those with an id below `below`."""
    found: list[Any] = await connection.fetch(
        _PAGE, below, wanted.subject, wanted.action, wanted.entity, wanted.since, wanted.before, limit
    )
    return found
