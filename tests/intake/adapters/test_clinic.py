"""`clinic`: every field as samples/README.md has it, every fault under the clinic's own name."""

import json
from typing import Any

import pytest

from tests.support.partners import clinic, draft_of, faults_of, order_of, sample

SAMPLE = sample("clinic").body


def test_the_sample_is_this_order() -> None:
    order = order_of("clinic", SAMPLE)
    records = order.pop("patient_records")
    assert order == {
        "patient": {
            "first_name": "Marisol",
            "last_name": "O'Neil-Ferrer",
            "mrn": "020417",
            "date_of_birth": "1968-11-23",
            "sex": "female",
            "weight_kg": 72.0,
            "allergies": ["penicillin (hives)", "latex"],
        },
        "provider": {"name": "OKAFOR, CHIDI MD", "npi": "1528060563"},
        "primary_diagnosis": "M05.79",
        "additional_diagnoses": ["E11.9", "I10"],
        "medication": "Humira 40 mg/0.4 mL pen",
        "medication_history": [
            "methotrexate 20 mg weekly",
            "folic acid 1 mg daily",
            "metformin 1000 mg BID",
            "losartan 50 mg daily",
        ],
        "order_date": "2026-02-05",
    }
    assert records.startswith("RA seropositive, CDAI 24")
    draft = draft_of("clinic", SAMPLE)
    assert (draft.external_id, draft.ignored) == ("NVC-2026-00871", [])


@pytest.mark.parametrize(
    ("written", "mrn"),
    [(20417, "020417"), ("20417", "020417"), ("020417", "020417"), (7, "000007"), (123456, "123456")],
)
def test_a_chart_number_is_padded_to_six_digits(written: object, mrn: str) -> None:
    assert order_of("clinic", clinic(lambda d: d["pt"].update(chart_no=written)))["patient"]["mrn"] == mrn


@pytest.mark.parametrize(
    ("weight", "kilograms"),
    [
        ({"v": 158.7, "u": "lb"}, 72.0),
        ({"v": 72, "u": "kg"}, 72.0),
        ({"v": 71.26, "u": "kg"}, 71.3),
        ({"v": 100, "u": "lb"}, 45.4),
        (None, None),
        ({}, None),
    ],
)
def test_a_weight_is_in_kilograms_to_one_decimal(weight: object, kilograms: float | None) -> None:
    assert order_of("clinic", clinic(lambda d: d["pt"].update(wt=weight)))["patient"]["weight_kg"] == kilograms


@pytest.mark.parametrize(
    ("code", "sex"), [("F", "female"), ("M", "male"), ("X", "other"), ("U", "unknown"), ("", None)]
)
def test_a_gender_is_a_sex(code: str, sex: str | None) -> None:
    assert order_of("clinic", clinic(lambda d: d["pt"].update(gender=code)))["patient"]["sex"] == sex


def test_an_npi_may_be_a_string() -> None:
    order = order_of("clinic", clinic(lambda d: d.update(ref_npi="0123456789")))
    assert order["provider"]["npi"] == "0123456789"


def test_what_is_absent_is_absent_from_the_order() -> None:
    def bare(document: dict[str, Any]) -> None:
        for name in ("visit_date", "med_hx", "ref_id"):
            del document[name]
        for name in ("gender", "wt", "allergy"):
            del document["pt"][name]

    order = order_of("clinic", clinic(bare))
    assert order["patient"]["sex"] is None
    assert order["patient"]["weight_kg"] is None
    assert order["patient"]["allergies"] == order["medication_history"] == []
    assert order["order_date"] == "2026-03-01", "today, at the pharmacy"


def test_of_a_drug_taken_the_parts_that_are_there_are_joined() -> None:
    order = order_of("clinic", clinic(lambda d: d.update(med_hx=[{"n": "aspirin", "freq": "daily"}, {"n": "zinc"}])))
    assert order["medication_history"] == ["aspirin daily", "zinc"]


BREAKS: list[tuple[dict[str, Any], str, str]] = [
    ({"ref_npi": 123}, "ref_npi", "NPI_FORMAT"),
    ({"ref_npi": True}, "ref_npi", "TYPE"),
    ({"ref_by": ""}, "ref_by", "REQUIRED"),
    ({"ref_by": "Dr 007"}, "ref_by", "NAME_FORMAT"),
    ({"dx": []}, "dx", "REQUIRED"),
    ({"dx": "M0579"}, "dx", "TYPE"),
    ({"dx": ["M0579", "banana"]}, "dx.1", "ICD10_FORMAT"),
    ({"dx": ["banana"]}, "dx.0", "ICD10_FORMAT"),
    ({"dx": [3]}, "dx.0", "TYPE"),
    ({"rx": {}}, "rx.drug", "REQUIRED"),
    ({"rx": "Humira"}, "rx", "TYPE"),
    ({"rx": {"drug": "x" * 201}}, "rx.drug", "MEDICATION"),
    ({"notes": None}, "notes", "REQUIRED"),
    ({"notes": "x" * 200_001}, "notes", "RECORDS_TOO_LARGE"),
    ({"visit_date": "2026-02-05"}, "visit_date", "ORDER_DATE"),
    ({"visit_date": "02/30/2026"}, "visit_date", "ORDER_DATE"),
    ({"visit_date": "12/31/2030"}, "visit_date", "ORDER_DATE"),
    ({"visit_date": 20260205}, "visit_date", "TYPE"),
    ({"med_hx": ["aspirin"]}, "med_hx.0", "TYPE"),
    ({"med_hx": [{"n": 5}]}, "med_hx.0.n", "TYPE"),
    ({"ref_id": 5}, "ref_id", "TYPE"),
    ({"ref_id": "x" * 201}, "ref_id", "VALUE"),
    ({"pt": []}, "pt", "TYPE"),
]


@pytest.mark.parametrize(("change", "place", "code"), BREAKS)
def test_a_broken_field_is_named_as_the_clinic_names_it(change: dict[str, Any], place: str, code: str) -> None:
    assert faults_of("clinic", clinic(lambda d: d.update(change)))[place] == code


PATIENT_BREAKS: list[tuple[dict[str, Any], str, str]] = [
    ({"fname": "R2D2"}, "pt.fname", "NAME_FORMAT"),
    ({"lname": 5}, "pt.lname", "TYPE"),
    ({"chart_no": "12A"}, "pt.chart_no", "MRN_FORMAT"),
    ({"chart_no": -5}, "pt.chart_no", "MRN_FORMAT"),
    ({"chart_no": 1234567}, "pt.chart_no", "MRN_FORMAT"),
    ({"chart_no": ""}, "pt.chart_no", "REQUIRED"),
    ({"chart_no": 20417.0}, "pt.chart_no", "TYPE"),
    ({"chart_no": True}, "pt.chart_no", "TYPE"),
    ({"dob": "1968-11-23"}, "pt.dob", "DATE_OF_BIRTH"),
    ({"dob": "23/11/1968"}, "pt.dob", "DATE_OF_BIRTH"),
    ({"dob": "11/23/1868"}, "pt.dob", "DATE_OF_BIRTH"),
    ({"gender": "Q"}, "pt.gender", "VALUE"),
    ({"gender": 1}, "pt.gender", "TYPE"),
    ({"wt": {"v": 72, "u": "stone"}}, "pt.wt.u", "VALUE"),
    ({"wt": {"v": "72", "u": "kg"}}, "pt.wt.v", "TYPE"),
    ({"wt": {"v": 1e999, "u": "kg"}}, "pt.wt.v", "VALUE"),
    ({"wt": {"v": 10**300, "u": "lb"}}, "pt.wt.v", "VALUE"),
    ({"wt": {"v": 72, "u": []}}, "pt.wt.u", "VALUE"),
    ({"wt": {"v": 72}}, "pt.wt.u", "VALUE"),
    ({"wt": 72}, "pt.wt", "TYPE"),
    ({"allergy": ["latex"]}, "pt.allergy", "TYPE"),
]


@pytest.mark.parametrize(("change", "place", "code"), PATIENT_BREAKS)
def test_a_broken_field_of_the_patient_too(change: dict[str, Any], place: str, code: str) -> None:
    body = clinic(lambda d: d["pt"].update(change)).replace(b"Infinity", b"1e999")
    faults = faults_of("clinic", body)
    assert faults == {place: code}, "what cannot be read is not also missing"


def test_an_empty_object_lacks_everything_by_the_clinics_names() -> None:
    expected = ["pt.fname", "pt.lname", "pt.chart_no", "pt.dob", "ref_by", "ref_npi", "dx", "rx.drug", "notes"]
    assert faults_of("clinic", b"{}") == dict.fromkeys(expected, "REQUIRED")


def test_unknown_fields_are_listed_wherever_they_stand() -> None:
    def more(document: dict[str, Any]) -> None:
        document["insurer"] = {"id": 5}
        document["pt"]["nickname"] = "Mari"
        document["med_hx"][1]["route"] = "PO"

    draft = draft_of("clinic", clinic(more))
    assert sorted(draft.ignored) == ["insurer", "med_hx.1.route", "pt.nickname"]
    assert {(notice.type, notice.code) for notice in draft.notices()} == {("notice", "UNKNOWN_FIELD")}
    assert [notice.detail["field"] for notice in draft.notices()] == draft.ignored
    assert order_of("clinic", clinic(more))["medication_history"] == order_of("clinic", SAMPLE)["medication_history"]


@pytest.mark.parametrize("body", [b"", b"\xff", b"<pt/>", b'{"pt":{},"pt":{}}', b'{"notes":NaN}', b"[" * 100_000])
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    assert faults_of("clinic", body) == {"": "MALFORMED"}


def test_a_nul_is_malformed_at_its_field() -> None:
    assert faults_of("clinic", clinic(lambda d: d["pt"].update(fname="Mari\0sol"))) == {"pt.fname": "MALFORMED"}


@pytest.mark.parametrize("value", [[], "text", 5, None])
def test_another_json_value_is_no_order(value: object) -> None:
    assert faults_of("clinic", json.dumps(value).encode())
