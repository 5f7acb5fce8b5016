"""Orders as far as they are told of, subscriptions, and deliveries."""

from chassis import tables
from chassis.migrate import run

revision = "notification_1"
down_revision = None

DELIVERIES = """
CREATE TABLE orders (
    order_id    uuid PRIMARY KEY,
    source      text,
    external_id text
);
COMMENT ON TABLE orders IS 'source is null where something happened to an order before we read that it came in';
CREATE TABLE happenings (
    event_id    uuid        PRIMARY KEY,
    order_id    uuid        NOT NULL REFERENCES orders,
    status      text        NOT NULL,
    codes       text[]      NOT NULL,
    happened_at timestamptz NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    told        boolean     NOT NULL DEFAULT false
);
COMMENT ON COLUMN happenings.told IS 'Its deliveries have been written: one for each subscription of that moment';
CREATE INDEX happenings_untold ON happenings (order_id) WHERE NOT told;
CREATE INDEX happenings_noted ON happenings (noted_at);
CREATE TABLE subscriptions (
    subscription_id uuid        PRIMARY KEY,
    kind            text        NOT NULL,
    address         text        NOT NULL,
    source          text,
    statuses        text[]      NOT NULL,
    key_id          text,
    sealed_secret   bytea,
    enabled         boolean     NOT NULL DEFAULT true,
    disabled_reason text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text        NOT NULL,
    leased_until    timestamptz NOT NULL DEFAULT now(),
    generation      integer     NOT NULL DEFAULT 0,
    rests_until     timestamptz NOT NULL DEFAULT now(),
    failures_in_row integer     NOT NULL DEFAULT 0
);
COMMENT ON COLUMN subscriptions.leased_until IS 'One sender at a time serves an endpoint, fenced by generation: a dead one holds up nobody else';
CREATE TABLE deliveries (
    delivery_id      uuid        PRIMARY KEY,
    subscription_id  uuid        NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    event_id         uuid        NOT NULL REFERENCES happenings,
    state            text        NOT NULL DEFAULT 'waiting',
    due_at           timestamptz NOT NULL DEFAULT now(),
    gives_up_at      timestamptz NOT NULL,
    tries            integer     NOT NULL DEFAULT 0,
    generation       integer     NOT NULL DEFAULT 0,
    last_code        text,
    last_http_status integer,
    last_tried_at    timestamptz,
    delivered_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_delivery_an_event_and_subscription UNIQUE (event_id, subscription_id)
);
CREATE INDEX deliveries_due ON deliveries (subscription_id, due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_giving_up ON deliveries (gives_up_at) WHERE state = 'waiting'
"""


def upgrade() -> None:
    run(DELIVERIES)
    run(tables.OUTBOX_TABLE, tables.INBOX_TABLE, tables.DEAD_LETTERS_TABLE, tables.IDEMPOTENCY_TABLE)
