"""The trace of the order that something happened to: its telling belongs to it."""

from chassis.migrate import run

revision = "notification_traces"
down_revision = "notification_revoked_and_audit"


def upgrade() -> None:
    run("ALTER TABLE happenings ADD COLUMN trace text")
