"""Nobody can be recognised in what leaves for a model, and everything is put back exactly."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.domain.redaction import Redaction
from tests.support.clinical_orders import order

BELL = order(patient_first_name="Ana", patient_last_name="Bell", patient_mrn="012345", patient_date_of_birth="1979-06-08",
             provider={"name": "Dr. Jane Lee", "npi": "1234567893"})  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Ana Bell", "ANA BELL", "Bell, Ana", "ana bell", "Ms. Bell", "Ana's gait", "Bell\nAna", "ana",
        "Jane Lee", "LEE, JANE MD", "Dr Lee", "Lee,Jane",
    ],
)  # fmt: skip
def test_names_are_hidden_however_they_are_written(text: str) -> None:
    hidden = Redaction(BELL).hide(f"Seen today: {text}, stable.").casefold()
    assert not [
        name for name in ("ana", "bell", "jane", "lee") if name in hidden.replace("{{patient", "").replace("seen", "")
    ]


@pytest.mark.parametrize(
    "written",
    [
        "1979-06-08", "1979/6/8", "1979.06.08", "06/08/1979", "6/8/79", "6-8-1979", "08.06.1979", "8/6/1979", "19790608",
        "06081979", "June 8, 1979", "Jun 8 1979", "JUNE 8TH 1979", "8 June 1979", "08-Jun-1979", "8th of June, 1979",
        "8-JUN-79", "1979 June 8",
    ],
)  # fmt: skip
def test_a_date_of_birth_is_hidden_in_any_form(written: str) -> None:
    hidden = Redaction(BELL).hide(f"DOB {written}; seen 2026-02-05.")
    assert "79" not in hidden
    assert "2026-02-05" in hidden


@pytest.mark.parametrize("written", ["012345", "12345", "MRN:012345", "#12345"])
def test_the_mrn_is_hidden_with_or_without_its_zeros(written: str) -> None:
    assert "12345" not in Redaction(BELL).hide(f"Chart {written}.").replace("1234567893", "")


def test_an_mrn_of_mostly_zeros_hides_no_dose_and_no_day() -> None:
    redaction = Redaction(order(patient_mrn="000002"))
    assert redaction.hide("IVIG 2 g/kg over 2 days from 2026-02-05.") == "IVIG 2 g/kg over 2 days from 2026-02-05."
    for written in ("000002", "MRN 2", "MRN: 002", "chart no. 2", "mrn#2"):
        assert "2" not in redaction.hide(f"See {written}.").replace("{{MRN-2}}", ""), written


def test_other_numbers_and_words_stay() -> None:
    text = "Creatinine 0.78 mg/dL, 1123456 platelets, belladonna, Leeds, banana, 06/08/2025."
    assert Redaction(BELL).hide(text) == text


@pytest.mark.parametrize(
    ("first", "last", "text", "hidden"),
    [
        ("Søren", "Ibañez Whitlock", "Soren Ibanez-Whitlock came", ["soren", "ibanez", "whitlock"]),
        ("Marisol", "O'Neil-Ferrer", "Mrs. O’Neil Ferrer; ONEIL? Ferrer", ["neil ", "ferrer"]),
        ("Tomás", "Nakagawa-Reyes Jr.", "TOMAS NAKAGAWA REYES", ["tomas", "nakagawa", "reyes"]),
        ("Łukasz", "Żak", "Lukasz ZAK", ["lukasz", "zak"]),
        ("Li", "Wu", "Li Wu, WU LI", ["li wu", "wu li"]),
    ],
)
def test_names_of_all_kinds_are_hidden(first: str, last: str, text: str, hidden: list[str]) -> None:
    said = Redaction(order(patient_first_name=first, patient_last_name=last)).hide(text).casefold()
    assert not [name for name in hidden if name in said]


def test_a_name_that_is_a_word_is_hidden_only_where_it_is_written_as_a_name() -> None:
    redaction = Redaction(order(patient_first_name="May", patient_last_name="Young"))
    assert redaction.hide("It may worsen in young adults.") == "It may worsen in young adults."
    assert "May" not in redaction.hide("May came in.")
    assert "YOUNG" not in redaction.hide("YOUNG came in.")


def test_other_doctors_and_contacts_are_hidden() -> None:
    hidden = Redaction(BELL).hide("Referred by Dr. Okafor, call 555-123-4567 or a.b@clinic.org.")
    assert not [part for part in ("Okafor", "4567", "clinic.org") if part in hidden]


def test_what_is_hidden_is_shown_again_exactly() -> None:
    redaction = Redaction(BELL)
    text = "Ana Bell, BELL, Ana; ana bell (MRN 012345, 12345), born 06/08/1979, 1979-06-08. Dr. Jane Lee."
    assert redaction.show(redaction.hide(text)) == text


def test_what_is_hidden_is_shown_again_inside_json() -> None:
    redaction = Redaction(order(patient_first_name="Ana", patient_last_name="O'Neil"))
    answer = json.dumps({"quote": redaction.hide("O’Neil\nwas seen")})
    assert json.loads(redaction.show_in_json(answer)) == {"quote": "O’Neil\nwas seen"}


def test_a_placeholder_that_already_stands_in_the_records_is_not_used() -> None:
    an_order = order(patient_first_name="Ana", patient_last_name="Bell", patient_records="{{PATIENT-1}} and Ana Bell")
    redaction = Redaction(an_order)
    assert redaction.show(redaction.hide(an_order.patient_records)) == an_order.patient_records


@given(
    st.text(max_size=80), st.text(max_size=80),
    st.sampled_from(["Ana Bell", "Bell, Ana", "ANA BELL", "06/08/1979", "June 8, 1979", "012345"]),
)  # fmt: skip
def test_hiding_is_exact_in_any_text(before: str, after: str, written: str) -> None:
    redaction = Redaction(BELL)
    text = f"{before} {written} {after}"
    hidden = redaction.hide(text)
    assert redaction.show(hidden) == text
    assert f" {written} " not in hidden


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2026, 1, 1)))
def test_every_day_is_hidden_as_iso_and_american(born: date) -> None:
    redaction = Redaction(order(patient_date_of_birth=born.isoformat()))
    for written in (
        born.isoformat(),
        f"{born.month}/{born.day}/{born.year}",
        born.strftime("%B %d, %Y"),
        born.strftime("%d %b %Y"),
    ):
        assert written not in redaction.hide(f"born {written}.")
