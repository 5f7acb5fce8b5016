"""Whose work it was that a pharmacist struck out."""

from chassis.migrate import run

revision = "generator_rejections"
down_revision = "generator_revoked_and_audit"

REJECTIONS = """
ALTER TABLE rejections
    ADD COLUMN provider text NOT NULL DEFAULT '',
    ADD COLUMN model text NOT NULL DEFAULT '',
    ADD COLUMN prompt_version text NOT NULL DEFAULT '';
CREATE INDEX rejections_by_time ON rejections (rejected_at);
"""


def upgrade() -> None:
    run(REJECTIONS)
