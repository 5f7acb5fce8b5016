"""`pharmacorp`: every part as samples/README.md has it, every fault under the hub's own path."""

import base64

import pytest

from chassis.errors import TooLarge
from tests.support.partners import RULES, draft_of, faults_of, order_of, sample, with_text

SAMPLE = sample("pharmacorp").body
NOTES_START = "<co:ClinicalNotes>"


def changed(old: str, new: str) -> bytes:
    return with_text("pharmacorp", (old, new))


def with_document(content: bytes, mime: str = 'mimeType="application/pdf"') -> bytes:
    text = SAMPLE.decode()
    start, end = text.index("<co:ClinicalNotes>"), text.index("</co:CareOrder>")
    encoded = base64.encodebytes(content).decode()
    return f"{text[:start]}<co:ClinicalDocument {mime}>\n{encoded}</co:ClinicalDocument>{text[end:]}".encode()


def test_the_sample_is_this_order() -> None:
    order = order_of("pharmacorp", SAMPLE)
    records = order.pop("patient_records")
    assert order == {
        "patient": {
            "first_name": "Søren",
            "last_name": "Ibañez Whitlock",
            "mrn": "330912",
            "date_of_birth": "1987-02-14",
            "sex": "male",
            "weight_kg": 83.4,
            "allergies": ["sulfamethoxazole-trimethoprim (rash)"],
        },
        "provider": {"name": "Ruth Abernathy, MD", "npi": "1669544532"},
        "primary_diagnosis": "G35",
        "additional_diagnoses": ["F32.1"],
        "medication": "OCREVUS (ocrelizumab) 300 mg/10 mL",
        "medication_history": [
            "dimethyl fumarate 240 mg PO BID (stopped 2026-01-10, lymphopenia)",
            "sertraline 50 mg PO daily",
            "cholecalciferol 2000 units PO daily",
        ],
        "order_date": "2026-02-05",
    }
    assert records.startswith("Relapsing MS")
    assert records.endswith("30-60 minutes before.")
    draft = draft_of("pharmacorp", SAMPLE)
    assert (draft.external_id, draft.ignored) == ("PC-44-120983", [])


def test_the_prefix_is_the_partners_affair_and_the_namespace_is_not() -> None:
    assert order_of("pharmacorp", SAMPLE.replace(b"co:", b"x:").replace(b":co=", b":x=")) == order_of(
        "pharmacorp", SAMPLE
    )
    assert faults_of("pharmacorp", changed("urn:pharmacorp:careorder:2", "urn:pharmacorp:careorder:1")) == {
        "": "MALFORMED"
    }


def test_a_weight_in_pounds_is_converted() -> None:
    order = order_of("pharmacorp", changed('<co:Weight unit="kg">83.4', '<co:Weight unit="lb">158.7'))
    assert order["patient"]["weight_kg"] == 72.0


def test_diagnoses_go_by_rank_not_by_place() -> None:
    third = '<co:Diagnosis rank="10">I10</co:Diagnosis><co:Diagnosis rank="3">E11.9</co:Diagnosis>'
    order = order_of("pharmacorp", changed("<co:Diagnoses>", f"<co:Diagnoses>{third}"))
    assert (order["primary_diagnosis"], order["additional_diagnoses"]) == ("G35", ["F32.1", "E11.9", "I10"])


def test_text_is_taken_whole_with_cdata_comments_and_unknown_markup() -> None:
    body = changed(NOTES_START, f"{NOTES_START}<![CDATA[a < b]]><!-- no --> &amp; <co:b>bold</co:b> ")
    assert order_of("pharmacorp", body)["patient_records"].startswith("a < b & bold Relapsing MS")
    assert draft_of("pharmacorp", body).ignored == ["co:ClinicalNotes/co:b"]


def test_a_pdf_in_base64_is_the_records() -> None:
    draft = draft_of("pharmacorp", with_document(b"%PDF-1.7 whatever" * 50))
    assert draft.enclosed is not None
    assert draft.enclosed.content.startswith(b"%PDF-1.7")
    assert draft.enclosed.declared == "application/pdf"
    assert draft.place_of("patient_records") == "co:ClinicalDocument"


BREAKS = [
    ('medicalRecordNumber="330912"', 'medicalRecordNumber="33"', "co:Patient/@medicalRecordNumber", "MRN_FORMAT"),
    (' medicalRecordNumber="330912"', "", "co:Patient/@medicalRecordNumber", "REQUIRED"),
    ("Søren", "S0ren", "co:Patient/co:PatientFirstName", "NAME_FORMAT"),
    ("Ibañez Whitlock", " ", "co:Patient/co:PatientLastName", "REQUIRED"),
    ("19870214", "1987-02-14", "co:Patient/co:BirthDate", "DATE_OF_BIRTH"),
    ("19870214", "19870230", "co:Patient/co:BirthDate", "DATE_OF_BIRTH"),
    ('code="M"', 'code="X"', "co:Patient/co:AdministrativeGender/@code", "VALUE"),
    ('unit="kg"', 'unit="g"', "co:Patient/co:Weight/@unit", "VALUE"),
    ('unit="kg"', "", "co:Patient/co:Weight/@unit", "VALUE"),
    (">83.4<", ">eighty<", "co:Patient/co:Weight", "VALUE"),
    (">83.4<", ">999<", "co:Patient/co:Weight", "VALUE"),
    ('npi="1669544532"', 'npi="1"', "co:Prescriber/@npi", "NPI_FORMAT"),
    ("<co:Family>Abernathy</co:Family>", "", "co:Prescriber/co:Name/co:Family", "REQUIRED"),
    ("Abernathy", "4bernathy", "co:Prescriber/co:Name", "NAME_FORMAT"),
    (">G35<", ">banana<", "co:Diagnoses/co:Diagnosis[@rank='1']", "ICD10_FORMAT"),
    (">F32.1<", ">banana<", "co:Diagnoses/co:Diagnosis[@rank='2']", "ICD10_FORMAT"),
    ('rank="2"', 'rank="1"', "co:Diagnoses/co:Diagnosis[2]/@rank", "VALUE"),
    ('rank="2"', 'rank="two"', "co:Diagnoses/co:Diagnosis[1]/@rank", "VALUE"),
    ('rank="2"', "", "co:Diagnoses/co:Diagnosis[1]/@rank", "REQUIRED"),
    ("OCREVUS (ocrelizumab) 300 mg/10 mL", "", "co:Therapy/co:DrugName", "REQUIRED"),
    ('date="02-05-2026"', 'date="2026-02-05"', "/co:CareOrder/@date", "ORDER_DATE"),
    ("PC-44-120983", "9" * 201, "/co:CareOrder/@orderNumber", "VALUE"),
    ("sertraline 50 mg PO daily", "x" * 1001, "co:MedicationHistory/co:Entry[2]", "VALUE"),
    ("<co:Therapy>", "<co:Therapy/><co:Therapy>", "co:Therapy", "VALUE"),
    (NOTES_START, f"<co:ClinicalDocument>AAAA</co:ClinicalDocument>{NOTES_START}", "co:ClinicalDocument", "VALUE"),
]


@pytest.mark.parametrize(("old", "new", "place", "code"), BREAKS)
def test_a_broken_part_is_named_as_the_hub_names_it(old: str, new: str, place: str, code: str) -> None:
    assert faults_of("pharmacorp", changed(old, new))[place] == code


def test_what_stands_there_too_often_is_said_once() -> None:
    _, faults = draft_of("pharmacorp", changed("<co:Therapy>", "<co:Therapy/><co:Therapy/><co:Therapy>")).check(RULES)
    assert [fault.field for fault in faults] == ["co:Therapy", "co:Therapy/co:DrugName"]


def test_a_document_that_is_no_base64_is_unreadable() -> None:
    body = with_document(b"x").replace(b"eA==", b"e*=")
    assert faults_of("pharmacorp", body) == {"co:ClinicalDocument": "RECORDS_UNREADABLE"}


def test_an_empty_document_is_missing() -> None:
    assert faults_of("pharmacorp", with_document(b"")) == {"co:ClinicalDocument": "REQUIRED"}


def test_a_document_over_10_mib_is_too_large() -> None:
    with pytest.raises(TooLarge) as error:
        draft_of("pharmacorp", with_document(b"x" * (10 * 1024 * 1024 + 1)))
    assert error.value.detail == {"limit_bytes": 10 * 1024 * 1024}


def test_xml_without_a_document_has_the_limit_of_text() -> None:
    with pytest.raises(TooLarge) as error:
        draft_of("pharmacorp", changed(NOTES_START, NOTES_START + "x" * (2 * 1024 * 1024)))
    assert error.value.detail == {"limit_bytes": 2 * 1024 * 1024}


def test_everything_missing_is_said_at_once_by_its_path() -> None:
    faults = faults_of("pharmacorp", b'<a:CareOrder xmlns:a="urn:pharmacorp:careorder:2"/>')
    assert len(faults) == 9
    assert set(faults.values()) == {"REQUIRED"}
    assert "co:Patient/@medicalRecordNumber" in faults
    assert "co:Diagnoses/co:Diagnosis[@rank='1']" in faults


def test_unknown_elements_and_attributes_are_listed() -> None:
    body = with_text(
        "pharmacorp",
        ("<co:BirthDate>", '<co:Nickname>S</co:Nickname><o:X xmlns:o="urn:o"/><co:BirthDate cal="g">'),
        ('date="02-05-2026"', 'date="02-05-2026" urgent="1"'),
        (
            "<co:CareOrder",
            '<co:CareOrder xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"',
        ),
    )
    assert sorted(draft_of("pharmacorp", body).ignored) == [
        "@urgent",
        "co:Patient/co:BirthDate/@cal",
        "co:Patient/co:Nickname",
        "co:Patient/{urn:o}X",
    ]


DTD = '<!DOCTYPE a [<!ENTITY x "lol">]>'
HOSTILE = {
    "an entity": f"{DTD}<a>&x;</a>",
    "an outside entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "an outside DTD": '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "a billion laughs": '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "' + "&a;" * 100 + '">]><a>&b;</a>',
    "deep nesting": "<a>" * 100_000,
    "many elements": "<a>" + "<b/>" * 30_000 + "</a>",
    "an unknown encoding": '<?xml version="1.0" encoding="klingon"?><a/>',
    "a codec that is no text encoding": '<?xml version="1.0" encoding="hex"?><a/>',
    "a multi-byte encoding": '<?xml version="1.0" encoding="shift_jis"?><a/>',
    "an encoding that always fails": '<?xml version="1.0" encoding="undefined"?><a/>',
    "a NUL": "<a>\0</a>",
    "a NUL by reference": "<a>&#0;</a>",
    "half a surrogate": "<a>&#xD800;</a>",
    "no XML": "{}",
    "nothing": "",
    "a stray end": "</a>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_xml_is_malformed(body: str) -> None:
    assert faults_of("pharmacorp", body.encode()) == {"": "MALFORMED"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "koi8-r"])
def test_a_dtd_is_found_in_every_encoding(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    text = SAMPLE.decode("ascii", "ignore").replace('encoding="UTF-8"?>', f'encoding="{name}"?>{DTD}')
    body = text.encode(encoding)
    assert faults_of("pharmacorp", body) == {"": "MALFORMED"}
    assert faults_of("pharmacorp", text.replace(DTD, "").encode(encoding)) == {}


def test_records_that_speak_of_a_doctype_are_records() -> None:
    body = changed(NOTES_START, f"{NOTES_START}<![CDATA[<!DOCTYPE html>]]> ")
    assert order_of("pharmacorp", body)["patient_records"].startswith("<!DOCTYPE html> Relapsing MS")


def test_other_encodings_of_xml_are_read() -> None:
    text = SAMPLE.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert order_of("pharmacorp", text.encode("utf-16")) == order_of("pharmacorp", SAMPLE)
