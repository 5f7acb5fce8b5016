"""What partners sent, byte for byte, and the files that came with orders."""

from chassis.migrate import run

revision = "intake_2"
down_revision = "intake_1"

DOCUMENTS = """
CREATE TABLE documents (
    id             uuid        PRIMARY KEY,
    order_id       uuid,
    source         text        NOT NULL,
    kind           text        NOT NULL CONSTRAINT documents_kind CHECK (kind IN ('raw', 'records')),
    content_type   text        NOT NULL,
    size           integer     NOT NULL,
    sha256         bytea       NOT NULL,
    key_id         text        NOT NULL,
    outcome        text        NOT NULL CONSTRAINT documents_outcome CHECK (outcome IN ('accepted', 'refused')),
    received_at    timestamptz NOT NULL,
    resubmitted_at timestamptz,
    sealed         bytea
);
ALTER TABLE documents ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON COLUMN documents.sealed IS 'Encrypted, so not worth compressing; NULL where it lies in the document store';
COMMENT ON COLUMN documents.order_id IS 'No foreign key: whoever inserts both has just made both'
"""


def upgrade() -> None:
    run(DOCUMENTS)
