"""Orders with their way so far, ICD-10-CM, accounts, and what every service has."""

from alembic import op
from sqlalchemy import String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BOOLEAN

from chassis import tables
from chassis.migrate import run
from services.intake.adapters.icd10_edition import EDITION, bundled_codes

revision = "intake_1"
down_revision = None

ORDERS = """
CREATE TABLE orders (
    order_id         uuid        PRIMARY KEY,
    source           text        NOT NULL,
    external_id      text,
    submitted_by     text        NOT NULL,
    submitted_at     timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    order_body       json        NOT NULL,
    notices          json        NOT NULL,
    attempt          integer     NOT NULL,
    status           text        NOT NULL,
    problems         json        NOT NULL,
    decided_attempt  integer     NOT NULL DEFAULT 0,
    timeline         json        NOT NULL,
    careplan_id      uuid,
    careplan_version integer,
    review           text,
    careplan         bytea
) WITH (fillfactor = 80);
ALTER TABLE orders ALTER COLUMN careplan SET STORAGE external;
COMMENT ON COLUMN orders.careplan IS 'schemas.careplan.pack: JSON under Zstandard, so PostgreSQL need not compress it again';
COMMENT ON TABLE orders IS 'No index but the key: every change of status stays in its page (HOT update)';
CREATE TABLE moving (
    order_id uuid        PRIMARY KEY,
    nudges   integer     NOT NULL DEFAULT 0,
    nudge_at timestamptz NOT NULL
);
COMMENT ON TABLE moving IS 'Orders that wait for a service, not for a person: the reconciler looks here'
"""

ICD10 = """
CREATE TABLE icd10 (
    code        text    PRIMARY KEY,
    plain       text    NOT NULL,
    description text    NOT NULL,
    billable    boolean NOT NULL,
    edition     text    NOT NULL,
    words       tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', description)) STORED
);
CREATE INDEX icd10_by_prefix ON icd10 (plain text_pattern_ops);
CREATE INDEX icd10_by_word ON icd10 USING gin (words)
"""

ACCOUNTS = """
CREATE TABLE accounts (
    username      text        PRIMARY KEY,
    password_hash text        NOT NULL,
    roles         text[]      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
)
"""

_FILL_ICD10 = text("""
INSERT INTO icd10 (code, plain, description, billable, edition)
SELECT code, replace(code, '.', ''), description, billable, :edition
FROM unnest(:codes, :descriptions, :billable) AS t (code, description, billable)
""").bindparams(
    bindparam("codes", type_=ARRAY(String)),
    bindparam("descriptions", type_=ARRAY(String)),
    bindparam("billable", type_=ARRAY(BOOLEAN)),
)


def upgrade() -> None:
    run(ORDERS, ICD10, ACCOUNTS)
    run(tables.OUTBOX_TABLE, tables.INBOX_TABLE, tables.DEAD_LETTERS_TABLE, tables.IDEMPOTENCY_TABLE)
    codes = bundled_codes()
    op.get_bind().execute(
        _FILL_ICD10,
        {
            "codes": [code.code for code in codes],
            "descriptions": [code.description for code in codes],
            "billable": [code.billable for code in codes],
            "edition": EDITION,
        },
    )
