"""Accepted orders, the jobs that write their plans, the model's answers, and the plans with their versions."""

from chassis import tables
from chassis.migrate import run

revision = "generator_1"
down_revision = None

CAREPLANS = """
CREATE TABLE accepted_orders (
    order_id    uuid        PRIMARY KEY,
    accepted_at timestamptz NOT NULL,
    order_body  json        NOT NULL,
    findings    json        NOT NULL
);
CREATE TABLE model_answers (
    job_id     uuid        NOT NULL,
    generation integer     NOT NULL,
    key_id     text        NOT NULL,
    sealed     bytea       NOT NULL,
    refused    boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, generation)
);
COMMENT ON TABLE model_answers IS 'Raw answers of billed models, encrypted: stored before they are read, so that a crash costs no second call';
CREATE TABLE careplans (
    careplan_id uuid    PRIMARY KEY,
    order_id    uuid    NOT NULL CONSTRAINT one_careplan_an_order UNIQUE,
    version     integer NOT NULL,
    review      text    NOT NULL
);
CREATE TABLE careplan_versions (
    careplan_id uuid        NOT NULL REFERENCES careplans,
    version     integer     NOT NULL,
    careplan    bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text        NOT NULL,
    note        text        NOT NULL DEFAULT '',
    PRIMARY KEY (careplan_id, version)
);
CREATE TABLE rejections (
    careplan_id uuid        NOT NULL REFERENCES careplans,
    version     integer     NOT NULL,
    item        text        NOT NULL,
    reason      text        NOT NULL,
    rejected_by text        NOT NULL,
    rejected_at timestamptz NOT NULL
);
COMMENT ON TABLE rejections IS 'What a pharmacist struck out, and why: counted, it improves the prompts';
ALTER TABLE careplan_versions ALTER COLUMN careplan SET STORAGE external;
ALTER TABLE model_answers ALTER COLUMN sealed SET STORAGE external;
COMMENT ON COLUMN careplan_versions.careplan IS 'schemas.careplan.pack: JSON under Zstandard, so PostgreSQL need not compress it again'
"""


def upgrade() -> None:
    run(CAREPLANS, tables.JOBS_TABLE)
    run(tables.OUTBOX_TABLE, tables.INBOX_TABLE, tables.DEAD_LETTERS_TABLE, tables.IDEMPOTENCY_TABLE)
