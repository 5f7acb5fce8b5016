"""Facts and passages of records as they are searched: by words, and by meaning where a provider uses it."""

from chassis.migrate import run

revision = "generator_retrieval"
down_revision = "generator_rejections"

RETRIEVAL = """
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
CREATE TABLE fact_passages (
    fact_id   text  PRIMARY KEY,
    drug_id   text  NOT NULL,
    said      text  NOT NULL,
    also      text  NOT NULL,
    searched  tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('pg_catalog.english', said || ' ' || also)) STORED,
    embedding public.vector(384)
);
COMMENT ON COLUMN fact_passages.also IS 'Found by words only: the names of interacting medicines, what is to be done; of the meaning it would be too much';
CREATE INDEX fact_passages_by_words ON fact_passages USING gin (searched);
CREATE TABLE record_passages (
    order_id  uuid    NOT NULL,
    starts_at integer NOT NULL,
    ends_at   integer NOT NULL,
    said      text    NOT NULL,
    searched  tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('pg_catalog.english', said)) STORED,
    embedding public.vector(384),
    PRIMARY KEY (order_id, starts_at)
);
COMMENT ON COLUMN record_passages.starts_at IS 'Code points into patient_records, as in a citation; ends_at is behind the last one';
COMMENT ON TABLE record_passages IS 'Of records too long to be sent whole. A few hundred rows an order: compared one by one, without an index of vectors'
"""


def upgrade() -> None:
    run(RETRIEVAL)
