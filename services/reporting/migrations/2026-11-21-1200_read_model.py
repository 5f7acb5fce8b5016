"""Orders as they are searched and counted, and care plans as they are read."""

from chassis import tables
from chassis.migrate import run

revision = "reporting_1"
down_revision = None

READ_MODEL = """
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
CREATE TABLE orders (
    order_id         uuid PRIMARY KEY,
    source           text,
    external_id      text,
    submitted_at     timestamptz,
    updated_at       timestamptz NOT NULL,
    order_date       date,
    order_body       json,
    medication       text,
    searched         text,
    attempt          integer NOT NULL,
    rank             integer NOT NULL,
    status           text    NOT NULL,
    decided_attempt  integer NOT NULL,
    problems         json,
    failure          json,
    accepted_at      timestamptz,
    ended_at         timestamptz,
    careplan_id      uuid,
    careplan_version integer,
    review           text,
    approved_at      timestamptz,
    model_use        jsonb   NOT NULL DEFAULT '{}'
) WITH (fillfactor = 80);
COMMENT ON COLUMN orders.order_body IS 'The order without its records; null until OrderReceived has come, whose topic may lag behind the others';
COMMENT ON COLUMN orders.model_use IS 'By attempt: a retry is paid for beside the failure before it';
CREATE INDEX orders_by_words ON orders USING gin (searched public.gin_trgm_ops);
CREATE INDEX orders_by_date ON orders (order_date);
CREATE TABLE careplan_versions (
    careplan_id uuid        NOT NULL,
    version     integer     NOT NULL,
    order_id    uuid        NOT NULL,
    careplan    bytea,
    created_at  timestamptz,
    created_by  text,
    note        text,
    approved_at timestamptz,
    approved_by text,
    PRIMARY KEY (careplan_id, version)
);
ALTER TABLE careplan_versions ALTER COLUMN careplan SET STORAGE external;
COMMENT ON COLUMN careplan_versions.careplan IS 'schemas.careplan.pack: JSON under Zstandard, so PostgreSQL need not compress it again'
"""


def upgrade() -> None:
    run(READ_MODEL, tables.OUTBOX_TABLE, tables.INBOX_TABLE, tables.DEAD_LETTERS_TABLE, tables.IDEMPOTENCY_TABLE)
