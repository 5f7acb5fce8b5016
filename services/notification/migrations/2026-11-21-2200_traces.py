"""The trace of the order that something happened to: its telling belongs to it."""

from chassis.migrate import run

revision = "notification_3"
down_revision = "notification_2"


def upgrade() -> None:
    run("ALTER TABLE happenings ADD COLUMN trace text")
