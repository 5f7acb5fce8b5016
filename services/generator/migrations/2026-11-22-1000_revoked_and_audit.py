"""Credentials that are no longer good, and the audit."""

from chassis import tables
from chassis.migrate import run

revision = "generator_revoked_and_audit"
down_revision = "generator_ledger"


def upgrade() -> None:
    run(tables.REVOKED_TABLE, tables.AUDIT_TABLE)
