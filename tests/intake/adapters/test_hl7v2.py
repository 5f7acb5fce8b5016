"""`hl7v2`: every segment as samples/README.md has it, every fault under the name HL7 gives the field."""

import pytest

from tests.support.partners import draft_of, faults_of, order_of, sample, with_text

SAMPLE = sample("hl7v2").body


def changed(*replaced: tuple[str, str]) -> bytes:
    return with_text("hl7v2", *replaced)


def test_the_sample_is_this_order() -> None:
    assert order_of("hl7v2", SAMPLE) == {
        "patient": {
            "first_name": "Tomás",
            "last_name": "Nakagawa-Reyes Jr.",
            "mrn": "447120",
            "date_of_birth": "1960-09-30",
            "sex": "male",
            "weight_kg": 91.2,
            "allergies": ["sulfasalazine (rash)", "aspirin (gastritis)"],
        },
        "provider": {"name": "Chidi Okafor, MD", "npi": "1528060563"},
        "primary_diagnosis": "M05.79",
        "additional_diagnoses": ["B18.1"],
        "medication": "rituximab 1000 mg IV, day 1 and day 15",
        "medication_history": [],
        "patient_records": (
            "ALT: 31 U/L (N)\n"
            "HBsAg: positive (A)\n"
            "RA 11 years, failed methotrexate + adalimumab & etanercept. HBsAg positive 01/2026, HBV DNA 210 IU/mL,"
            " not on antiviral.\n"
            "Hypertension on amlodipine 5 mg daily. Zoster vaccine (recombinant) dose 2 in 11/2025. Asks for rituximab"
            " start 02/16/2026."
        ),
        "order_date": "2026-02-05",
    }
    draft = draft_of("hl7v2", SAMPLE)
    assert (draft.external_id, draft.ignored) == ("VR-RX-88120", [])


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_other_line_ends_than_cr_are_read(end: bytes) -> None:
    assert order_of("hl7v2", SAMPLE.replace(b"\r", end)) == order_of("hl7v2", SAMPLE)


def test_the_separators_are_those_of_msh() -> None:
    text = SAMPLE.decode().replace("\\T\\", "\\\\").translate(str.maketrans("|^~&", "!*@%"))
    assert order_of("hl7v2", text.encode()) == order_of("hl7v2", changed(("\\T\\", "\\\\")))


def test_the_character_set_is_that_of_msh_18() -> None:
    body = changed(("UNICODE UTF-8", "8859/1")).decode().encode("latin-1")
    assert order_of("hl7v2", body) == order_of("hl7v2", SAMPLE)
    assert faults_of("hl7v2", SAMPLE.decode().encode("latin-1")) == {"MSH-18": "MALFORMED"}
    assert faults_of("hl7v2", changed(("UNICODE UTF-8", "KS X 1001"))) == {"MSH-18": "MALFORMED"}


def test_the_date_is_the_one_in_the_senders_own_offset() -> None:
    late = changed(("20260205143012-0500", "20260205235959-1200"))
    assert order_of("hl7v2", late)["order_date"] == "2026-02-05"


@pytest.mark.parametrize(
    ("escaped", "text"),
    [("a\\F\\b", "a|b"), ("a\\S\\b", "a^b"), ("a\\R\\b", "a~b"), ("a\\E\\b", "a\\b"), ("a\\.br\\b", "a\nb"),
     ("a\\X00\\b", "a\\X00\\b"), ("C:\\dir", "C:\\dir")],
)  # fmt: skip
def test_escapes_are_resolved_and_others_left_as_written(escaped: str, text: str) -> None:
    records = order_of("hl7v2", changed(("RA 11 years", escaped)))["patient_records"]
    assert f"{text}, failed" in records


def test_further_drugs_of_the_message_are_the_history() -> None:
    more = "RXO|^amlodipine 5 mg daily\rRXE||AML^prednisone 10 mg daily\rRXO|zinc\rOBX|1|NM|"
    order = order_of("hl7v2", changed(("OBX|1|NM|", more)))
    assert order["medication"] == "rituximab 1000 mg IV, day 1 and day 15"
    assert order["medication_history"] == ["amlodipine 5 mg daily", "prednisone 10 mg daily", "zinc"]


def test_a_drug_without_text_is_its_code() -> None:
    body = changed(("RXO|^rituximab 1000 mg IV, day 1 and day 15", "RXO|rituximab"))
    assert order_of("hl7v2", body)["medication"] == "rituximab"


def test_pounds_may_be_written_in_ucum() -> None:
    for unit in ("lb", "[lb_av]"):
        assert order_of("hl7v2", changed(("91.2|kg", f"158.7|{unit}")))["patient"]["weight_kg"] == 72.0


def test_diagnoses_go_by_their_number() -> None:
    body = changed(("DG1|1||M05", "DG1|3||M05"))
    order = order_of("hl7v2", body)
    assert (order["primary_diagnosis"], order["additional_diagnoses"]) == ("B18.1", ["M05.79"])


def test_coded_results_are_shown_by_their_text() -> None:
    body = changed(("OBX|3|TX|5196-1^HBsAg^LN||positive|", "OBX|3|CWE|5196-1^HBsAg^LN||10828004^Positive^SCT|"))
    assert "HBsAg: Positive (A)" in order_of("hl7v2", body)["patient_records"]


BREAKS = [
    ("447120^^^SPECRX^MR", "4471^^^SPECRX^MR", "PID-3", "MRN_FORMAT"),
    ("447120^^^SPECRX^MR", "447120^^^OTHER^MR", "PID-3", "REQUIRED"),
    ("V99-1182^^^VALLEY^PI", "447121^^^SPECRX^MR", "PID-3", "VALUE"),
    ("Nakagawa-Reyes^", "^", "PID-5.1", "REQUIRED"),
    ("Tomás", "T0mas", "PID-5.2", "NAME_FORMAT"),
    ("19600930|M", "1960|M", "PID-7", "DATE_OF_BIRTH"),
    ("19600930|M", "19600931|M", "PID-7", "DATE_OF_BIRTH"),
    ("19600930|M", "19600930|Q", "PID-8", "VALUE"),
    ("M05.79^", "M5^", "DG1[1]-3.1", "ICD10_FORMAT"),
    ("B18.1^", "banana^", "DG1[2]-3.1", "ICD10_FORMAT"),
    ("multiple sites^I10C", "multiple sites^I9C", "DG1[1]-3.1", "VALUE"),
    ("DG1|1|", "DG1|one|", "DG1[1]-1", "VALUE"),
    ("1528060563^Okafor", "15^Okafor", "ORC-12.1", "NPI_FORMAT"),
    ("1528060563^Okafor", "1528060563^", "ORC-12.2", "REQUIRED"),
    ("rituximab 1000 mg IV, day 1 and day 15", "", "RXO-1.2", "REQUIRED"),
    ("91.2|kg", "heavy|kg", "OBX[1]-5", "VALUE"),
    ("91.2|kg", "91.2|stone", "OBX[1]-6", "VALUE"),
    ("20260205143012-0500", "202602", "MSH-7", "ORDER_DATE"),
    ("20260205143012-0500", "20260205 14:30", "MSH-7", "ORDER_DATE"),
    ("1742-6^ALT", "29463-7^Weight", "OBX[2]-5", "VALUE"),
]


@pytest.mark.parametrize(("old", "new", "place", "code"), BREAKS)
def test_a_broken_field_is_named_as_hl7_names_it(old: str, new: str, place: str, code: str) -> None:
    assert faults_of("hl7v2", changed((old, new)))[place] == code


def test_a_header_alone_lacks_everything() -> None:
    faults = faults_of("hl7v2", SAMPLE.split(b"\r")[0])
    expected = ["PID-5.2", "PID-5.1", "PID-3", "PID-7", "ORC-12.2", "ORC-12.1", "DG1-3.1", "RXO-1.2", "NTE-3"]
    assert faults == dict.fromkeys(expected, "REQUIRED")


NOT_OURS = [
    (("OMP^O09^OMP_O09", "ORU^R01^ORU_R01"), "MSH-9"),
    (("|2.5.1|", "|2.3|"), "MSH-12"),
    (("MSH|", "XSH|"), ""),
    (("MSH|^~\\&|", "MSH|^^\\&|"), ""),
    (("PID|", "pid|"), ""),
    (("PID|1", "PID|1||447120\rPID|2"), "PID"),
    (("PID|1", "MSH|^~\\&|\rPID|1"), ""),
    (("Tomás", "Tom\0s"), ""),
]


@pytest.mark.parametrize(("change", "place"), NOT_OURS)
def test_another_message_is_malformed(change: tuple[str, str], place: str) -> None:
    assert faults_of("hl7v2", changed(change)) == {place: "MALFORMED"}


@pytest.mark.parametrize("body", [b"", b"MSH", b"MSH|^~\\&", b"MSHAAAAAA", b"\x0bMSH|^~\\&|", b"{}", b"NTE|1\r" * 6000])
def test_what_has_no_header_is_malformed(body: bytes) -> None:
    assert faults_of("hl7v2", body) == {"": "MALFORMED"}


def test_segments_and_fields_that_nobody_reads_are_listed_once() -> None:
    body = changed(("19600930|M", "19600930|M|||1 Elm St"), ("ORC|NW", "PV1|1|O\rZXX|a\rZXX|b\rORC|NW"))
    assert draft_of("hl7v2", body).ignored == ["PID-11", "PV1", "ZXX"]


def test_a_file_in_an_observation_is_ignored_with_a_notice() -> None:
    body = changed(("OBX|3|TX|5196-1^HBsAg^LN||positive|", "OBX|3|ED|PDF^Report^L||^application^pdf^Base64^JVBERi0=|"))
    draft = draft_of("hl7v2", body)
    assert draft.ignored == ["OBX-5", "OBX-8"]
    assert "JVBER" not in draft.values["patient_records"]
