"""The cases are what they say they are."""

import json
import re

from evals.cases import DATASET, LABEL, facts
from tests.support.evals import cases

TRAPS = {
    "no-weight", "contradictory-weight", "allergy-only-in-records", "duplicate-therapy", "prompt-injection",
    "drug-not-in-knowledge-base",
}  # fmt: skip


def test_thirty_cases_every_drug_and_every_trap() -> None:
    assert len(cases()) == 30
    assert {case.drug for case in cases().values()} == {drug.id for drug in facts().drugs} | {None}
    assert {tag for case in cases().values() for tag in case.tags} >= TRAPS


def test_every_line_says_that_no_clinician_wrote_it() -> None:
    lines = DATASET.read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["label"] == LABEL for line in lines)


def test_a_third_is_held_out() -> None:
    assert sum(case.split == "held_out" for case in cases().values()) == 10


def test_no_two_cases_share_a_person() -> None:
    people = [case.order.patient for case in cases().values()]
    assert len({(p.first_name, p.last_name) for p in people}) == len({p.mrn for p in people}) == 30
    assert len({case.order.provider.npi for case in cases().values()}) == 30


def test_each_case_is_ordered_for_its_drug_and_keyed_by_its_facts() -> None:
    for case in cases().values():
        drug = facts().drug_for(case.order.medication)
        assert (drug.id if drug else None) == case.drug
        assert all(facts().facts[key].kind in ("monitoring", "baseline") for key in case.expected_monitoring)
        assert all(key.startswith(f"{case.drug}.") for key in case.expected_monitoring)


def test_what_a_problem_is_to_quote_stands_in_the_records() -> None:
    for case in cases().values():
        wanted = [e.record_says for e in case.expected_dtps if e.record_says]
        assert all(words in case.order.patient_records for words in wanted), case.id
        assert all(re.compile(claim.pattern) for claim in case.forbidden_claims)
        assert all(name.casefold() in case.order.patient_records.casefold() for name in case.home_medicines_in_records)


def test_every_case_has_something_that_must_be_found() -> None:
    assert all(
        any(expected.planted for expected in case.expected_dtps) or case.drug == "omalizumab"
        for case in cases().values()
    )
