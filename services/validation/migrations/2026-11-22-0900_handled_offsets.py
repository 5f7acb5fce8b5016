"""How far all readers have handled each partition: what a broker loses below that need not be sent again."""

from chassis import tables
from chassis.migrate import run

revision = "validation_handled"
down_revision = "validation_1"


def upgrade() -> None:
    run(tables.OUTBOX_LOG_COLUMNS)
