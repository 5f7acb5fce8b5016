"""A webhook's earlier secret, which signs beside the new one for a while."""

from chassis.migrate import run

revision = "notification_2"
down_revision = "notification_1"

ROTATION = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE subscriptions
    ADD COLUMN previous_key_id        text,
    ADD COLUMN previous_sealed_secret bytea,
    ADD COLUMN previous_until         timestamptz;
COMMENT ON COLUMN subscriptions.previous_until IS 'Until then deliveries are signed with both secrets'
"""


def upgrade() -> None:
    run(ROTATION)
