"""Every row of the rules, and what the findings of an order come to."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

import knowledge
from schemas.order import Finding, Order
from services.validation.domain.decision import Candidate, Outcome, admit, decide, findings_on
from services.validation.domain.identity import DrugNames, Titles
from services.validation.domain.provider import CheckDigitRule, has_right_check_digit
from services.validation.domain.register import KnownOrder, KnownPatient, KnownProvider, Register, Sameness
from services.validation.settings import _CREDENTIALS, _HONORIFICS, _words
from tests.support.facts import an_id, order

SAMENESS = Sameness(Titles(_words(_HONORIFICS), _words(_CREDENTIALS)), DrugNames.of(knowledge.load().medication_names))
ANA = KnownPatient(an_id(1), "012345", "Ana", "Bell", date(1979, 6, 8))
BO = KnownPatient(an_id(2), "222222", "Bo", "Stone", date(1990, 1, 2))
JANE = KnownProvider(an_id(3), "1234567893", "Dr. Jane Lee")
IVIG = KnownOrder(an_id(4), ANA.patient_id, "ivig", date(2026, 2, 5))
OTHER_DAY = KnownOrder(an_id(5), ANA.patient_id, "ivig", date(2026, 1, 5))


def register(*known: KnownPatient | KnownProvider | KnownOrder) -> Register:
    register = Register(SAMENESS)
    for record in known:
        match record:
            case KnownPatient():
                register.add_patient(record)
            case KnownProvider():
                register.add_provider(record)
            case KnownOrder():
                register.add_order(record)
    return register


def codes(wanted: Order, *known: Any, check_digit: CheckDigitRule = "warning") -> list[tuple[str, str]]:
    return [(found.type, found.code) for found in findings_on(wanted, register(*known), check_digit)]


NPI_CONFLICT = ("block", "PROVIDER_NPI_CONFLICT")
MRN_MISMATCH = ("warning", "PATIENT_MRN_MISMATCH")
POSSIBLE_DUPLICATE = ("warning", "PATIENT_POSSIBLE_DUPLICATE")
SAME_DAY = ("block", "DUPLICATE_ORDER_SAME_DAY")
OTHER_DAYS = ("warning", "DUPLICATE_ORDER_OTHER_DAY")


@dataclass
class Row:
    name: str
    order: dict[str, Any]
    known: list[Any]
    found: list[tuple[str, str]] = field(default_factory=list)


ROWS = [
    Row("nothing is known", {}, []),
    Row("NPI known, provider name the same", {}, [JANE]),
    Row("NPI known, name the same but for titles", {"provider": {"name": "LEE, JANE MD"}}, [JANE]),
    Row("NPI known, provider name different", {"provider": {"name": "Dr. John Lee"}}, [JANE], [NPI_CONFLICT]),
    Row("another NPI, the same provider name", {"provider": {"npi": "1000000004"}}, [JANE]),
    Row("MRN known, name and date of birth the same", {}, [ANA]),
    Row("MRN known, name the same but for accents", {"patient": {"first_name": "ÁNA"}}, [ANA]),
    Row("MRN known, first name different", {"patient": {"first_name": "Anna"}}, [ANA], [MRN_MISMATCH]),
    Row("MRN known, last name different", {"patient": {"last_name": "Bell Jr."}}, [ANA], [MRN_MISMATCH]),
    Row("MRN known, date of birth different", {"patient": {"date_of_birth": "1979-08-06"}}, [ANA], [MRN_MISMATCH]),
    Row("name and date of birth known, MRN different", {"patient": {"mrn": "999999"}}, [ANA], [POSSIBLE_DUPLICATE]),
    Row("name known, date of birth and MRN different", {"patient": {"mrn": "9" * 6, "date_of_birth": "1980-06-08"}}, [ANA]),
    Row("the MRN is this person's, who is also known under another", {},
        [ANA, KnownPatient(an_id(9), "777777", "Ana", "Bell", ANA.date_of_birth)]),
    Row("the MRN of one, the name and date of birth of another",
        {"patient": {"mrn": "222222"}}, [ANA, BO], [MRN_MISMATCH, POSSIBLE_DUPLICATE]),
    Row("same patient, same medication, same order date", {}, [ANA, IVIG], [SAME_DAY]),
    Row("the same under a brand", {"medication": "Gammagard"}, [ANA, IVIG], [SAME_DAY]),
    Row("same patient, same medication, other order date", {}, [ANA, OTHER_DAY], [OTHER_DAYS]),
    Row("a same-day duplicate hides the other-day warning", {}, [ANA, IVIG, OTHER_DAY], [SAME_DAY]),
    Row("same patient, other medication", {"medication": "Rituxan"}, [ANA, IVIG]),
    Row("same patient, other strength", {"medication": "IVIG 5%"}, [ANA, IVIG]),
    Row("other patient, same medication and date", {"patient": {"mrn": "222222", "first_name": "Bo", "last_name": "Stone",
        "date_of_birth": "1990-01-02"}}, [ANA, BO, IVIG]),
    Row("the patient is whom the MRN names, whatever the name", {"patient": {"first_name": "Zoe"}},
        [ANA, IVIG], [MRN_MISMATCH, SAME_DAY]),
    Row("the same person under a new MRN is not the same patient", {"patient": {"mrn": "999999"}},
        [ANA, IVIG], [POSSIBLE_DUPLICATE]),
    Row("everything at once, in the order of the table",
        {"provider": {"name": "John Lee"}, "patient": {"mrn": "222222"}},
        [JANE, ANA, BO, KnownOrder(an_id(6), BO.patient_id, "ivig", date(2026, 2, 5))],
        [NPI_CONFLICT, MRN_MISMATCH, POSSIBLE_DUPLICATE, SAME_DAY]),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row) -> None:
    assert codes(order(**row.order), *row.known) == row.found


@pytest.mark.parametrize(
    ("npi", "right"),
    [("1234567893", True), ("1234567890", False), ("1000000004", True), ("0000000006", True), ("1245319599", True),
     ("1245319598", False)],
)  # fmt: skip
def test_the_tenth_digit_of_an_npi_follows_from_the_others(npi: str, right: bool) -> None:
    assert has_right_check_digit(npi) is right


def test_exactly_one_check_digit_is_right() -> None:
    for nine in ("123456789", "000000000", "987654321"):
        assert sum(has_right_check_digit(f"{nine}{last}") for last in range(10)) == 1


@pytest.mark.parametrize(
    ("setting", "found"),
    [("warning", [("warning", "NPI_CHECK_DIGIT")]), ("block", [("block", "NPI_CHECK_DIGIT")]), ("off", [])],
)
def test_a_setting_makes_the_check_digit_a_block_or_switches_it_off(
    setting: CheckDigitRule, found: list[tuple[str, str]]
) -> None:
    assert codes(order(provider={"npi": "1234567890"}), check_digit=setting) == found


# ── what a finding says ────────────────────────────────────────────────────────────────────────────────────────────


def finding(wanted: Order, *known: Any) -> Finding:
    [found] = findings_on(wanted, register(*known), "warning")
    return found


def test_a_mismatch_says_what_is_on_file_and_what_was_submitted() -> None:
    detail = finding(order(patient={"first_name": "Zoe"}), ANA).detail
    assert detail["on_file"] == {
        "patient_id": str(ANA.patient_id),
        "mrn": "012345",
        "first_name": "Ana",
        "last_name": "Bell",
        "date_of_birth": "1979-06-08",
    }
    assert detail["submitted"]["first_name"] == "Zoe"


def test_a_possible_duplicate_lists_whom_it_may_be() -> None:
    twin = KnownPatient(an_id(9), "777777", "ANA", "Bell", ANA.date_of_birth)
    detail = finding(order(patient={"mrn": "999999"}), ANA, twin).detail
    assert {patient["mrn"] for patient in detail["on_file"]} == {"012345", "777777"}


def test_a_duplicate_lists_the_orders_before_it_newest_last() -> None:
    detail = finding(order(), ANA, KnownOrder(an_id(7), ANA.patient_id, "ivig", date(2026, 3, 1)), OTHER_DAY).detail
    assert [earlier["order_date"] for earlier in detail["orders"]] == ["2026-01-05", "2026-03-01"]


def test_a_conflict_says_both_names() -> None:
    found = finding(order(provider={"name": "John Lee"}), JANE)
    assert found.detail == {"npi": "1234567893", "on_file": "Dr. Jane Lee", "submitted": "John Lee"}
    assert found.message == "NPI 1234567893 is registered to another provider name."


def test_details_survive_the_way_through_an_event() -> None:
    for row in ROWS:
        for found in findings_on(order(**row.order), register(*row.known), "warning"):
            assert Finding.model_validate_json(found.model_dump_json()) == found


def test_a_message_says_nothing_of_another_patient() -> None:
    for row in ROWS:
        for found in findings_on(order(**row.order), register(*row.known), "warning"):
            assert not {"Ana", "Bell", "Bo", "Stone", "1979-06-08", "1990-01-02"} & set(found.message.split())


# ── decide ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NOTICE = Finding(type="notice", code="ICD10_NOT_BILLABLE", message="m")


def candidate(wanted: Order, **how: Any) -> Candidate:
    return Candidate(an_id(50), 1, wanted, **how)


def outcome(wanted: Order, *known: Any, **how: Any) -> Outcome:
    return decide(candidate(wanted, **how), register(*known), "warning").outcome


CLEAN, WARNED, BLOCKED = order(), order(patient={"first_name": "Zoe"}), order(provider={"name": "John Lee"})
BOTH = order(patient={"first_name": "Zoe"}, provider={"name": "John Lee"})


@pytest.mark.parametrize(
    ("wanted", "how", "result"),
    [
        (CLEAN, {}, "accepted"),
        (CLEAN, {"notices": (NOTICE,)}, "accepted"),
        (WARNED, {}, "warned"),
        (WARNED, {"notices": (NOTICE,)}, "warned"),
        (WARNED, {"warnings_accepted": True}, "accepted"),
        (BLOCKED, {}, "rejected"),
        (BLOCKED, {"warnings_accepted": True}, "rejected"),
        (BOTH, {}, "rejected"),
        (BOTH, {"warnings_accepted": True}, "rejected"),
    ],
)
def test_any_block_rejects_else_any_unconfirmed_warning_asks(
    wanted: Order, how: dict[str, Any], result: Outcome
) -> None:
    assert outcome(wanted, ANA, JANE, **how) == result


def test_all_findings_and_notices_are_reported_together() -> None:
    decision = decide(candidate(BOTH, notices=(NOTICE,)), register(ANA, JANE), "warning")
    assert [found.code for found in decision.findings] == [
        "PROVIDER_NPI_CONFLICT",
        "PATIENT_MRN_MISMATCH",
        "ICD10_NOT_BILLABLE",
    ]


def shown(wanted: Order, *known: Any) -> tuple[Finding, ...]:
    """The warnings as they come back with a confirmation: over the wire and through a database."""
    found = decide(candidate(wanted), register(*known), "warning").findings
    return tuple(Finding.model_validate(json.loads(f.model_dump_json())) for f in found if f.type == "warning")


def test_a_confirmation_accepts_the_warnings_that_were_shown_and_says_so() -> None:
    decision = decide(candidate(WARNED, confirmed=shown(WARNED, ANA)), register(ANA), "warning")
    assert decision.outcome == "accepted"
    assert [(found.code, found.confirmed) for found in decision.findings] == [("PATIENT_MRN_MISMATCH", True)]


def test_a_new_warning_at_confirmation_is_asked_again() -> None:
    decision = decide(candidate(WARNED, confirmed=shown(WARNED, ANA)), register(ANA, OTHER_DAY), "warning")
    assert decision.outcome == "warned"
    assert [(found.code, found.confirmed) for found in decision.findings] == [
        ("PATIENT_MRN_MISMATCH", True),
        ("DUPLICATE_ORDER_OTHER_DAY", False),
    ]


def test_a_warning_that_says_something_else_now_is_asked_again() -> None:
    third = KnownOrder(an_id(8), ANA.patient_id, "ivig", date(2026, 1, 20))
    assert outcome(CLEAN, ANA, OTHER_DAY, third, confirmed=shown(CLEAN, ANA, OTHER_DAY)) == "warned"


def test_a_new_block_at_confirmation_rejects() -> None:
    assert outcome(WARNED, ANA, IVIG, confirmed=shown(WARNED, ANA)) == "rejected"


# ── admit ──────────────────────────────────────────────────────────────────────────────────────────────────────────

NEW_IDS = (an_id(100), an_id(101))


def test_a_first_order_makes_its_patient_and_its_provider_known() -> None:
    known = register()
    admission = admit(candidate(CLEAN), known, NEW_IDS)
    assert (admission.new_patient, admission.new_provider) == (True, True)
    assert known.patients["012345"].patient_id == an_id(100)
    assert known.providers["1234567893"].provider_id == an_id(101)
    assert codes(CLEAN, *known.patients.values(), admission.order) == [SAME_DAY]


def test_known_records_are_used_again() -> None:
    admission = admit(candidate(CLEAN), register(ANA, JANE), NEW_IDS)
    assert (admission.new_patient, admission.new_provider) == (False, False)
    assert (admission.patient, admission.provider, admission.difference) == (ANA, JANE, None)


def test_a_confirmed_mismatch_is_filed_under_the_mrn_and_the_difference_is_kept() -> None:
    admission = admit(candidate(WARNED), register(ANA, JANE), NEW_IDS)
    assert admission.patient is ANA
    assert admission.difference is not None
    assert admission.difference["submitted"]["first_name"] == "Zoe"
    assert admission.possible_duplicates == ()


def test_a_confirmed_possible_duplicate_is_a_new_patient_linked_to_the_other() -> None:
    admission = admit(candidate(order(patient={"mrn": "999999"})), register(ANA), NEW_IDS)
    assert admission.new_patient
    assert (admission.patient.mrn, admission.possible_duplicates) == ("999999", (ANA.patient_id,))


def test_the_mrn_of_one_with_the_name_of_another_is_filed_under_the_mrn_and_linked_to_the_other() -> None:
    admission = admit(candidate(order(patient={"mrn": "222222"})), register(ANA, BO), NEW_IDS)
    assert (admission.patient, admission.possible_duplicates) == (BO, (ANA.patient_id,))


def test_within_a_batch_each_order_sees_those_before_it() -> None:
    known = register()
    results = []
    for number in range(5):
        this = Candidate(an_id(200 + number), 1, CLEAN)
        decision = decide(this, known, "warning")
        results.append(decision.outcome)
        if decision.outcome == "accepted":
            admit(this, known, NEW_IDS)
    assert results == ["accepted", "rejected", "rejected", "rejected", "rejected"]
