"""The tables that every service has in its own schema. Migration files name the ones they create."""

from chassis.audit.table import AUDIT_TABLE
from chassis.idempotency import IDEMPOTENCY_TABLE
from chassis.messaging.dead_letters import DEAD_LETTERS_TABLE
from chassis.messaging.inbox import INBOX_TABLE
from chassis.messaging.jobs import JOBS_TABLE
from chassis.messaging.lost_log import OUTBOX_LOG_COLUMNS
from chassis.messaging.outbox import OUTBOX_TABLE
from chassis.revocation import REVOKED_TABLE

__all__ = [
    "AUDIT_TABLE",
    "DEAD_LETTERS_TABLE",
    "IDEMPOTENCY_TABLE",
    "INBOX_TABLE",
    "JOBS_TABLE",
    "OUTBOX_LOG_COLUMNS",
    "OUTBOX_TABLE",
    "REVOKED_TABLE",
]
