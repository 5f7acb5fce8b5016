"""The field table of the HTTP contract, row by row: what is taken, what is refused, and under which code."""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from chassis.strict_json import parse_json
from services.intake.domain.order_form import FormRules, OrderForm, check_form, diagnoses_in, years_before
from tests.support.stack import sample_order

TODAY = date(2026, 11, 21)
RULES = FormRules(today=TODAY, mrn=re.compile("^[0-9]{6}$"))


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def with_field(path: str, value: Any) -> dict[str, Any]:
    """The web sample with the field at `path` replaced; removed where the value is ABSENT."""
    order = sample_order(order_date="2026-02-05")
    *parents, name = path.split(".")
    at: Any = order
    for parent in parents:
        at = at[int(parent) if isinstance(at, list) else parent]
    if value is ABSENT:
        del at[name]
    elif isinstance(at, list):
        at[int(name)] = value
    else:
        at[name] = value
    return order


def faults_of(value: Any) -> set[tuple[str, str]]:
    return {(fault.field, fault.code) for fault in check_form(value, RULES)[1]}


def accepted(value: Any) -> OrderForm:
    form, faults = check_form(value, RULES)
    assert not faults
    assert form is not None
    return form


def rows(field: str, code: str, values: Iterable[Any]) -> list[Any]:
    return [pytest.param(field, value, code, id=f"{field}={value!r:.40}") for value in values]


REFUSED = [
    *rows("patient.mrn", "MRN_FORMAT", ["12345", "1234567", "12345a", "12345６", " 123456", "123456\n", "-12345"]),
    *rows("provider.npi", "NPI_FORMAT", ["123456789", "12345678901", "123456789X", "１２３４５６７８９０", "1234567893 "]),
    *(
        row
        for field in ("patient.first_name", "patient.last_name", "provider.name")
        for row in rows(
            field,
            "NAME_FORMAT",
            ["R2D2", "Ana\tBell", "Ana\nBell", "Ana\u200bBell", "a_b", "a/b", "<b>", "Ana;", "A" * 101, "Ana\x7f", "Ana🙂"],
        )
    ),
    *rows(
        "patient.date_of_birth",
        "DATE_OF_BIRTH",
        ["2026-11-22", "1896-11-20", "1979-02-29", "1979-6-8", "19790608", "06/08/1979", "1979-06-08T00:00:00", "1979-06-08 ",
         "1979-W23-5", "１９７９-06-08", "0000-01-01", "9999-12-31", "1979-13-01", "yesterday"],
    ),
    *rows(
        "order_date",
        "ORDER_DATE",
        ["2026-11-22", "2021-11-20", "2026-02-30", "2026-2-5", "20260205", "2026-02-05Z", "", " "],
    ),
    *(
        row
        for field in ("primary_diagnosis", "additional_diagnoses.1")
        for row in rows(
            field, "ICD10_FORMAT", ["G7", "G70.", "70.00", "G70.00000", "G.7000", "G70.0.0", "G70-00", "ſ42.0", "diabetes", "Ä10"]
        )
    ),
    *rows("additional_diagnoses.0", "ICD10_FORMAT", ["", " "]),
    *rows("medication", "MEDICATION", ["x" * 201]),
    *rows("patient_records", "RECORDS_TOO_LARGE", ["x" * 200_001]),
    *(
        row
        for field in ("patient.first_name", "patient.last_name", "patient.mrn", "patient.date_of_birth", "provider.name",
                      "provider.npi", "primary_diagnosis", "medication", "patient_records")
        for row in rows(field, "REQUIRED", [ABSENT, None, "", "  ", "\u00a0\t"])
    ),
    *rows("patient", "REQUIRED", [ABSENT, None]),
    *rows("provider", "REQUIRED", [ABSENT, None]),
    *(
        row
        for field in ("patient.first_name", "patient.mrn", "patient.date_of_birth", "provider.npi", "primary_diagnosis",
                      "medication", "patient_records", "order_date")
        for row in rows(field, "TYPE", [12345, True, ["x"], {"a": 1}, 1.5])
    ),
    *rows("patient", "TYPE", ["Ana Bell", [], 5]),
    *rows("provider", "TYPE", ["Dr. Jane Lee", []]),
    *rows("additional_diagnoses", "TYPE", ["I10", {"0": "I10"}, 5]),
    *rows("medication_history", "TYPE", ["Prednisone"]),
    *rows("patient.allergies", "TYPE", ["None"]),
    *rows("patient.allergies.0", "TYPE", [5, {}]),
    *rows("patient.weight_kg", "TYPE", ["72", True, [72]]),
    *rows("patient.sex", "TYPE", [1, True]),
    *rows("confirm", "TYPE", ["true", 1, 0]),
    *rows("patient.weight_kg", "VALUE", [0, -1, 700.1, float("inf")]),
    *rows("patient.sex", "VALUE", ["F", "Female", ""]),
    *rows("medication_history.0", "VALUE", ["", " ", "x" * 1001]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "code"), REFUSED)
def test_a_broken_field_is_refused_under_its_code(field: str, value: Any, code: str) -> None:
    assert faults_of(with_field(field, value)) == {(field, code)}


TAKEN: list[tuple[str, list[Any]]] = [
    ("patient.first_name", ["José", "Jose\u0301", "O'Brien", "O\u2019Brien", "Anne-Marie", "Anne\u2011Marie", "李", "Владимир",
                            "محمد", "נועה", "ปิยะ", "अनिता", "Ágústsdóttir", "J.", "x" * 100, "van der Berg", "Mary\u00a0Ann",
                            "Hawaiʻi".replace("ʻ", "\u02bc"), "山田\u3000花子", " Ana "]),
    ("patient.last_name", ["Bell, Jr.", "Nakagawa-Reyes Jr.", "III"]),
    ("provider.name", ["Dr. Jane Lee", "LEE, JANE MD", "de la Cruz, María"]),
    ("patient.mrn", ["000000", "999999"]),
    ("provider.npi", ["0000000000", "1234567890"]),
    ("patient.date_of_birth", ["2026-11-21", "1896-11-21", "2024-02-29"]),
    ("order_date", ["2026-11-21", "2021-11-21", "2024-02-29", None, ABSENT]),
    ("patient_records", ["x" * 200_000, "𝒳" * 200_000, "."]),
    ("medication", ["x", "x" * 200]),
    ("patient.weight_kg", [0.4, 72, 700, None, ABSENT]),
    ("patient.sex", ["female", "male", "other", "unknown", None, ABSENT]),
    ("patient.allergies", [[], None, ABSENT, ["Penicillin"]]),
    ("medication_history", [[], None, ABSENT]),
    ("additional_diagnoses", [[], None, ABSENT]),
    ("confirm", [True, False, None]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in TAKEN for value in values])
def test_what_the_table_allows_is_taken(field: str, value: Any) -> None:
    accepted(with_field(field, value))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("middle_name", "middle_name"),
        ("patient.middle_name", "patient.middle_name"),
        ("provider.phone", "provider.phone"),
        ("Patient", "Patient"),
        ("", ""),
    ],
)
def test_an_unknown_field_is_refused_at_each_level(path: str, field: str) -> None:
    assert faults_of(with_field(path, "x")) == {(field, "UNKNOWN_FIELD")}


def test_all_faults_are_reported_at_once() -> None:
    faults = faults_of(
        {
            "patient": {"first_name": "R2D2", "mrn": "1", "date_of_birth": "2030-01-01", "nick": "x"},
            "provider": {"name": "", "npi": 5},
            "primary_diagnosis": "?",
            "additional_diagnoses": ["I10", "?"],
            "order_date": "1999-01-01",
            "x": 1,
        }
    )
    assert faults == {
        ("patient.first_name", "NAME_FORMAT"),
        ("patient.last_name", "REQUIRED"),
        ("patient.mrn", "MRN_FORMAT"),
        ("patient.date_of_birth", "DATE_OF_BIRTH"),
        ("patient.nick", "UNKNOWN_FIELD"),
        ("provider.name", "REQUIRED"),
        ("provider.npi", "TYPE"),
        ("primary_diagnosis", "ICD10_FORMAT"),
        ("additional_diagnoses.1", "ICD10_FORMAT"),
        ("medication", "REQUIRED"),
        ("patient_records", "REQUIRED"),
        ("order_date", "ORDER_DATE"),
        ("x", "UNKNOWN_FIELD"),
    }


@pytest.mark.parametrize("value", [[], None, "an order", 5, True, [{}]])
def test_what_is_not_an_object_has_the_wrong_type(value: Any) -> None:
    assert faults_of(value) == {("", "TYPE")}


@pytest.mark.parametrize(
    ("written", "stored"),
    [("G70.00", "G70.00"), ("g7000", "G70.00"), ("G7000", "G70.00"), ("i10", "I10"), ("S72.001a", "S72.001A"),
     ("c4a.0", "C4A.0"), ("u07.1", "U07.1"), ("M1A00X0", "M1A.00X0")],
)  # fmt: skip
def test_a_diagnosis_is_stored_with_the_dot_and_in_upper_case(written: str, stored: str) -> None:
    form = accepted(sample_order(primary_diagnosis=written, additional_diagnoses=[written]))
    order = form.order(TODAY)
    assert (order.primary_diagnosis, order.additional_diagnoses) == (stored, (stored,))


def test_names_are_stored_as_written() -> None:
    names = {"first_name": " Jose\u0301 ", "last_name": "O\u2019Brien‑Łódź"}
    patient = accepted(sample_order(patient=names)).order(TODAY).patient
    assert (patient.first_name, patient.last_name) == (names["first_name"], names["last_name"])


def test_the_order_date_is_today_where_none_is_given() -> None:
    assert accepted(sample_order()).order(TODAY).order_date == TODAY


def test_the_setting_holds_the_form_of_an_mrn() -> None:
    rules = FormRules(TODAY, re.compile("[A-Z]{2}[0-9]{4}"))
    assert check_form(sample_order(patient={"mrn": "AB1234"}), rules)[1] == []
    assert [f.code for f in check_form(sample_order(patient={"mrn": "AB12345"}), rules)[1]] == ["MRN_FORMAT"]


@pytest.mark.parametrize(
    ("day", "years", "earlier"),
    [
        (date(2024, 2, 29), 5, date(2019, 2, 28)),
        (date(2024, 2, 29), 4, date(2020, 2, 29)),
        (TODAY, 130, date(1896, 11, 21)),
    ],
)
def test_years_back_from_a_leap_day_end_on_the_28th(day: date, years: int, earlier: date) -> None:
    assert years_before(day, years) == earlier


def test_diagnoses_are_found_for_the_table_of_codes_whatever_else_is_wrong() -> None:
    value = {"primary_diagnosis": "g7000", "additional_diagnoses": ["I10", 5, "?", None, "k21.9"], "patient": 7}
    assert diagnoses_in(value) == {
        "primary_diagnosis": "G70.00",
        "additional_diagnoses.0": "I10",
        "additional_diagnoses.4": "K21.9",
    }
    assert diagnoses_in([]) == {}
    assert diagnoses_in({"primary_diagnosis": None, "additional_diagnoses": "I10"}) == {}


# ── the text of the body ───────────────────────────────────────────────────────────────────────────────────────────

MALFORMED = {
    "nothing at all": b"",
    "not JSON": b"hello",
    "cut off": b'{"patient": {',
    "XML": b"<order/>",
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice below": b'{"a": [{"b": 1, "b": 1}]}',
    "a key twice, once escaped": b'{"a": 1, "\\u0061": 2}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "a raw NUL": b'{"a": "\0"}',
    "a raw line break": b'{"a": "\n"}',
    "not UTF-8": b'{"a": "\xe9"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "an encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "nested too deeply": b"[" * 100_000 + b"]" * 100_000,
    "nested too deeply in objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "two values": b"{} {}",
    "a comment": b'{"a": 1 /* one */}',
    "single quotes": b"{'a': 1}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_json(body)
    assert [(e["field"], e["code"]) for e in refused.value.detail["errors"]] == [("", "MALFORMED")]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (rb'{"medication": "a\u0000"}', {"medication"}),
        (rb'{"medication": "\ud800"}', {"medication"}),
        (rb'{"medication": "\udc00\ud800"}', {"medication"}),
        (rb'{"patient": {"allergies": ["ok", "\ud83d"]}}', {"patient.allergies.1"}),
        (rb'{"\ud800": "x"}', {""}),
        (rb'{"patient": {"a\u0000": "x"}}', {"patient"}),
        (rb'{"a": "\u0000", "b": ["\ud800"]}', {"a", "b.0"}),
        (rb'{"a": "\ud83d\ude00 \u00e9"}', set()),
    ],
)
def test_nul_and_half_surrogates_are_malformed_where_they_stand(body: bytes, fields: set[str]) -> None:
    _, faults = parse_json(body)
    assert {fault.field for fault in faults} == fields
    assert {fault.code for fault in faults} <= {"MALFORMED"}


@pytest.mark.parametrize("depth", range(900, 1000, 7))
def test_no_depth_of_nesting_is_too_much_for_the_search_for_bad_text(depth: int) -> None:
    body = b'{"a": "\\u0041", "b": ' + b"[" * depth + b"]" * depth + b"}"
    try:
        parse_json(body)
    except InvalidInput:
        pass


@pytest.mark.parametrize(
    "body",
    [
        rb'{"\ud800": {"\ud801": "\ud802"}}',
        b'{"' + b"k" * 5000 + rb'": "\u0000"}',
        rb'{"patient": {"\u0000": {"x": "\ud800"}}}',
    ],
)
def test_a_reported_field_is_short_and_can_be_written_in_an_answer(body: bytes) -> None:
    value, faults = parse_json(body)
    for fault in [*faults, *check_form(value, RULES)[1]]:
        json.dumps(fault.field, ensure_ascii=False).encode()
        assert len(fault.field) <= 200


@pytest.mark.parametrize(
    ("number", "code"),
    [("1e999", "VALUE"), ("-1e999", "VALUE"), ("9" * 400, "VALUE"), ("9" * 5000, "VALUE"), ("1" + "0" * 250, "VALUE")],
    ids=["1e999", "-1e999", "400 digits", "5000 digits", "251 digits"],
)
def test_an_impossible_number_is_a_fault_of_its_field(number: str, code: str) -> None:
    body = json.dumps(sample_order()).replace('"weight_kg": 72', f'"weight_kg": {number}').encode()
    value, faults = parse_json(body)
    assert faults == []
    assert faults_of(value) == {("patient.weight_kg", code)}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = [row.values[0] for row in REFUSED]
CODES = {
    "MRN_FORMAT", "NPI_FORMAT", "NAME_FORMAT", "DATE_OF_BIRTH", "ORDER_DATE", "ICD10_FORMAT", "MEDICATION", "RECORDS_TOO_LARGE",
    "REQUIRED", "UNKNOWN_FIELD", "TYPE", "VALUE",
}  # fmt: skip


@given(field=st.sampled_from(_FIELDS), value=_JSON)
@settings(max_examples=400, deadline=None)
def test_whatever_stands_in_a_field_is_taken_or_refused_by_that_field(field: str, value: Any) -> None:
    order = with_field(field, value)
    for fault in check_form(order, RULES)[1]:
        assert fault.field == field or fault.field.startswith(f"{field}.")
        assert fault.code in CODES
        json.dumps(fault.message, ensure_ascii=False).encode()
    diagnoses_in(order)


@given(value=_JSON)
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_is_taken_or_refused(value: Any) -> None:
    form, faults = check_form(value, RULES)
    assert form is None
    assert faults
    diagnoses_in(value)


@given(body=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_whatever_bytes_are_sent_are_json_or_malformed(body: bytes) -> None:
    try:
        parse_json(body)
    except InvalidInput as refused:
        assert [error["code"] for error in refused.detail["errors"]] == ["MALFORMED"]


def test_a_flood_of_faults_is_cut_short() -> None:
    assert len(check_form({f"x{n}": 1 for n in range(5000)}, RULES)[1]) == 500
