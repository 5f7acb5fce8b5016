"""The register of accepted orders, their patients and providers."""

from chassis import tables
from chassis.migrate import run

revision = "validation_1"
down_revision = None

REGISTER = """
CREATE TABLE providers (
    provider_id uuid PRIMARY KEY,
    npi         text NOT NULL CONSTRAINT one_provider_an_npi UNIQUE,
    name        text NOT NULL
);
CREATE TABLE patients (
    patient_id    uuid PRIMARY KEY,
    mrn           text NOT NULL CONSTRAINT one_patient_an_mrn UNIQUE,
    first_name    text NOT NULL,
    last_name     text NOT NULL,
    date_of_birth date NOT NULL,
    person        text NOT NULL
);
COMMENT ON COLUMN patients.person IS 'domain.identity.same_person of name and date of birth';
CREATE INDEX patients_by_person ON patients (person);
CREATE TABLE accepted_orders (
    order_id    uuid PRIMARY KEY,
    patient_id  uuid NOT NULL REFERENCES patients,
    provider_id uuid NOT NULL REFERENCES providers,
    drug        text NOT NULL,
    order_date  date NOT NULL,
    difference  json,
    CONSTRAINT one_order_a_patient_drug_and_day UNIQUE (patient_id, drug, order_date)
);
COMMENT ON COLUMN accepted_orders.drug IS 'domain.identity.same_drug of the medication';
CREATE TABLE possible_duplicates (
    patient_id uuid NOT NULL REFERENCES patients,
    other_id   uuid NOT NULL REFERENCES patients,
    order_id   uuid NOT NULL,
    PRIMARY KEY (patient_id, other_id)
)
"""


def upgrade() -> None:
    run(REGISTER, tables.OUTBOX_TABLE, tables.INBOX_TABLE, tables.DEAD_LETTERS_TABLE, tables.IDEMPOTENCY_TABLE)
