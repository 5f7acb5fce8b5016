"""What each call to a language model took and cost, and by which input an answer can be found again."""

from chassis.migrate import run

revision = "generator_ledger"
down_revision = "generator_handled"

MODEL_CALLS = """
CREATE TABLE model_calls (
    call_id            uuid        PRIMARY KEY,
    order_id           uuid        NOT NULL,
    job_id             uuid        NOT NULL,
    attempt            integer     NOT NULL,
    provider           text        NOT NULL,
    model              text        NOT NULL,
    asked_at           timestamptz NOT NULL DEFAULT now(),
    outcome            text        NOT NULL DEFAULT 'ASKED',
    seconds            double precision,
    input_tokens       bigint      NOT NULL DEFAULT 0,
    cache_write_tokens bigint      NOT NULL DEFAULT 0,
    cached_tokens      bigint      NOT NULL DEFAULT 0,
    output_tokens      bigint      NOT NULL DEFAULT 0,
    cost_usd           numeric(14, 6),
    reserved           boolean     NOT NULL DEFAULT true,
    prices_as_of       date        NOT NULL
);
CREATE INDEX model_calls_by_time ON model_calls (asked_at);
CREATE INDEX model_calls_by_order ON model_calls (order_id);
CREATE INDEX model_calls_by_job ON model_calls (job_id);
COMMENT ON TABLE model_calls IS 'The cost ledger: written before a call is made, completed after it, never deleted';
COMMENT ON COLUMN model_calls.outcome IS 'ASKED until it ended (or for ever, where the process died in it), then ANSWERED or why not';
COMMENT ON COLUMN model_calls.cost_usd IS 'An estimate by the price file of prices_as_of; null where that has no price for the model';
COMMENT ON COLUMN model_calls.reserved IS 'The cost is what the call may take at most, since nobody knows yet, or ever, what it took';
ALTER TABLE model_answers ADD COLUMN input_digest bytea;
CREATE INDEX model_answers_by_input ON model_answers (input_digest) WHERE input_digest IS NOT NULL AND NOT refused;
"""


def upgrade() -> None:
    run(MODEL_CALLS)
