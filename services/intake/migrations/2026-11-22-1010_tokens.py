"""Every session, staff token and partner key that was signed: what it is for, never the token itself."""

from chassis.migrate import run

revision = "intake_tokens"
down_revision = "intake_revoked_and_audit"

TOKENS = """
CREATE TABLE tokens (
    token_id   uuid        PRIMARY KEY,
    kind       text        NOT NULL CONSTRAINT tokens_kind CHECK (kind IN ('session', 'token', 'key')),
    subject    text        NOT NULL,
    source     text,
    roles      text[]      NOT NULL,
    name       text        NOT NULL,
    signed_by  text        NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text
);
CREATE INDEX tokens_subject ON tokens (subject);
COMMENT ON COLUMN tokens.revoked_at IS 'From when on it is refused; may lie in the future, after a rotation'
"""


def upgrade() -> None:
    run(TOKENS)
