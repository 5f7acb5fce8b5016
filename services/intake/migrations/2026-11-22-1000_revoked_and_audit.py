"""Credentials that are no longer good, and the audit."""

from chassis import tables
from chassis.migrate import run

revision = "intake_revoked_and_audit"
down_revision = "intake_handled"


def upgrade() -> None:
    run(tables.REVOKED_TABLE, tables.AUDIT_TABLE)
