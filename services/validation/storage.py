"""Validation's register in PostgreSQL: what a batch of orders touches is locked, loaded, and added to."""

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from chassis.database import Transaction
from services.validation.domain.decision import Admission, Candidate
from services.validation.domain.register import (
    KnownOrder,
    KnownPatient,
    KnownProvider,
    Register,
    Sameness,
    person_of,
)

# In the order of the array, which is sorted: two batches that share a patient wait for each other, and never deadlock.
_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"

_PROVIDERS = "SELECT provider_id, npi, name FROM providers WHERE npi = ANY($1::text[])"
_PATIENTS = """
SELECT patient_id, mrn, first_name, last_name, date_of_birth FROM patients WHERE mrn = ANY($1::text[])
UNION
SELECT patient_id, mrn, first_name, last_name, date_of_birth FROM patients WHERE person = ANY($2::text[])
"""
_ORDERS = """
SELECT order_id, patient_id, drug, order_date FROM accepted_orders
JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[]) AS t (patient_id, drug)) AS wanted USING (patient_id, drug)
"""


async def open_register(tx: Transaction, candidates: Sequence[Candidate], sameness: Sameness) -> Register:
    """What is known that these orders touch, locked against other replicas until the transaction ends.

    A known provider never changes, so only unknown NPIs are locked: a busy prescriber holds nobody up.
    """
    known = Register(sameness)
    npis = {candidate.order.provider.npi for candidate in candidates}
    mrns = {candidate.order.patient.mrn for candidate in candidates}
    persons = {person_of(candidate.order) for candidate in candidates}
    await _load_providers(tx, known, npis)
    unknown_npis = npis - known.providers.keys()
    await _lock(
        tx, (*(f"npi {n}" for n in unknown_npis), *(f"mrn {m}" for m in mrns), *(f"person {p}" for p in persons))
    )
    if unknown_npis:
        await _load_providers(tx, known, unknown_npis)
    for row in await tx.fetch(_PATIENTS, list(mrns), list(persons)):
        known.add_patient(KnownPatient(*row))
    await _load_orders(tx, known, candidates)
    return known


async def _lock(tx: Transaction, names: Iterable[str]) -> None:
    keys = sorted({int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True) for name in names})
    await tx.execute(_LOCK, keys)


async def _load_providers(tx: Transaction, known: Register, npis: Iterable[str]) -> None:
    for row in await tx.fetch(_PROVIDERS, list(npis)):
        known.add_provider(KnownProvider(*row))


async def _load_orders(tx: Transaction, known: Register, candidates: Sequence[Candidate]) -> None:
    wanted = [
        (patient.patient_id, known.sameness.drug(candidate.order.medication))
        for candidate in candidates
        if (patient := known.patient_of(candidate.order))
    ]
    if wanted:
        for row in await tx.fetch(_ORDERS, [patient_id for patient_id, _ in wanted], [drug for _, drug in wanted]):
            known.add_order(KnownOrder(*row))


_ADD_PROVIDERS = (
    "INSERT INTO providers (provider_id, npi, name) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])"
)
_ADD_PATIENTS = """
INSERT INTO patients (patient_id, mrn, first_name, last_name, date_of_birth, person)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::date[], $6::text[])
"""
_ADD_ORDERS = """
INSERT INTO accepted_orders (order_id, patient_id, provider_id, drug, order_date, difference)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::date[], $6::json[])
"""
_ADD_POSSIBLE_DUPLICATES = """
INSERT INTO possible_duplicates (patient_id, other_id, order_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING
"""


async def save_admissions(tx: Transaction, admissions: Sequence[Admission]) -> None:
    """Adds to the register. A constraint that objects means that a lock was missing: the batch is tried again."""
    providers = [a.provider for a in admissions if a.new_provider]
    patients = [a.patient for a in admissions if a.new_patient]
    if providers:
        await tx.execute(
            _ADD_PROVIDERS, [p.provider_id for p in providers], [p.npi for p in providers], [p.name for p in providers]
        )
    if patients:
        await tx.execute(
            _ADD_PATIENTS,
            [p.patient_id for p in patients],
            [p.mrn for p in patients],
            [p.first_name for p in patients],
            [p.last_name for p in patients],
            [p.date_of_birth for p in patients],
            [p.person for p in patients],
        )
    await tx.execute(
        _ADD_ORDERS,
        [a.order.order_id for a in admissions],
        [a.order.patient_id for a in admissions],
        [a.provider.provider_id for a in admissions],
        [a.order.drug for a in admissions],
        [a.order.order_date for a in admissions],
        [json.dumps(a.difference) if a.difference else None for a in admissions],
    )
    links = [(a.patient.patient_id, other, a.order.order_id) for a in admissions for other in a.possible_duplicates]
    if links:
        await tx.execute(_ADD_POSSIBLE_DUPLICATES, *(list(column) for column in zip(*links, strict=True)))
