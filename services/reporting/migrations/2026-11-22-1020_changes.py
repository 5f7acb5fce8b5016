"""What each revision of a care plan changed."""

from chassis.migrate import run

revision = "reporting_changes"
down_revision = "reporting_revoked_and_audit"

CHANGES = "ALTER TABLE careplan_versions ADD COLUMN changes json"


def upgrade() -> None:
    run(CHANGES)
