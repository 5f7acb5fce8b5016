"""Whatever bytes a partner posts: an order, or one refusal that can be answered; never an exception of another kind."""

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.errors import Rejected
from chassis.idempotency import error_answer
from services.intake.adapters.sources import SOURCES
from services.intake.domain.order_form import diagnoses_in
from tests.support.partners import RULES, sample

EVERY_SOURCE = pytest.mark.parametrize("source", sorted(SOURCES))
THOROUGH = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def takes(source: str, body: bytes) -> None:
    """What intake does with the body, as far as no database is asked."""
    try:
        draft = SOURCES[source].draft(body)
    except Rejected as refusal:
        error_answer(refusal).response()
        return
    form, faults = draft.check(RULES)
    for fault in faults:
        json.dumps([fault.field, fault.code, fault.message]).encode()
        fault.field.encode()
    diagnoses_in(draft.values)
    if form is not None:
        order = form.order(RULES.today)
        assert "\0" not in order.model_dump_json()
        for notice in draft.notices():
            notice.model_dump_json().encode()


@EVERY_SOURCE
@THOROUGH
@given(body=st.binary(max_size=2_000))
def test_any_bytes(source: str, body: bytes) -> None:
    takes(source, body)


@EVERY_SOURCE
@THOROUGH
@given(place=st.floats(0, 1), cut=st.integers(0, 40), put=st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_the_sample_with_any_wound(source: str, place: float, cut: int, put: bytes) -> None:
    body = sample(source).body
    start = int(place * len(body))
    takes(source, body[:start] + put + body[start + cut :])


@EVERY_SOURCE
@THOROUGH
@given(first=st.floats(0, 1), second=st.floats(0, 1), size=st.integers(1, 200))
def test_the_sample_with_a_piece_of_itself_elsewhere(source: str, first: float, second: float, size: int) -> None:
    body = sample(source).body
    start, end = int(first * len(body)), int(second * len(body))
    takes(source, body[:end] + body[start : start + size] + body[end:])


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
LEAVES: list[tuple[str, ...]] = [
    *((name,) for name in ("ref_id", "visit_date", "pt", "ref_by", "ref_npi", "dx", "rx", "med_hx", "notes", "new")),
    *(("pt", name) for name in ("fname", "lname", "chart_no", "dob", "gender", "wt", "allergy", "new")),
    *(("pt", "wt", name) for name in ("v", "u")),
    ("rx", "drug"),
]


@THOROUGH
@given(changes=st.lists(st.tuples(st.sampled_from(LEAVES), ANY_JSON), max_size=6))
def test_a_clinics_order_with_any_json_in_its_fields(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    document = json.loads(sample("clinic").body)
    for path, value in changes:
        owner = document
        for part in path[:-1]:
            owner = owner.get(part, {}) if isinstance(owner, dict) else {}
        if isinstance(owner, dict):
            owner[path[-1]] = value
    takes("clinic", json.dumps(document).encode())


TAGS = [
    "Patient",
    "PatientFirstName",
    "BirthDate",
    "AdministrativeGender",
    "Weight",
    "Allergies",
    "Allergy",
    "Prescriber",
]
TAGS += [
    "Name",
    "Given",
    "Family",
    "Suffix",
    "Diagnoses",
    "Diagnosis",
    "Therapy",
    "DrugName",
    "MedicationHistory",
    "Entry",
]
TAGS += ["ClinicalNotes", "ClinicalDocument", "Unheard"]
XML_TEXT = st.text(st.characters(exclude_categories=["C"]), max_size=20).map(escape) | st.sampled_from(
    ["19870214", "G35"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["medicalRecordNumber", "unit", "code", "npi", "rank", "mimeType", "new"]),
    st.text(st.characters(exclude_categories=["C"]), max_size=10) | st.sampled_from(["1", "2", "kg", "F"]),
    max_size=2,
)


def element(parts: tuple[str, dict[str, str], list[str]]) -> str:
    tag, attributes, content = parts
    written = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<co:{tag}{written}>{''.join(content)}</co:{tag}>"


ANY_XML = st.recursive(
    XML_TEXT,
    lambda inner: st.tuples(st.sampled_from(TAGS), ATTRIBUTES, st.lists(inner, max_size=5)).map(element),
    max_leaves=25,
)


@THOROUGH
@given(content=st.lists(ANY_XML, max_size=6))
def test_a_hubs_order_of_any_elements(content: list[str]) -> None:
    body = f'<co:CareOrder xmlns:co="urn:pharmacorp:careorder:2">{"".join(content)}</co:CareOrder>'
    takes("pharmacorp", body.encode())


HL7_TEXT = st.text(st.sampled_from("|^~\\&\r\n0123456789TFSRE.brXkgLN 😀é") | st.characters(codec="utf-8"), max_size=60)
SEGMENTS = st.sampled_from(["PID", "AL1", "DG1", "ORC", "RXO", "RXE", "OBX", "NTE", "ZZZ", "MSH"])
HEADER = sample("hl7v2").body.split(b"\r")[0].decode()


@THOROUGH
@given(segments=st.lists(st.tuples(SEGMENTS, HL7_TEXT), max_size=10))
def test_a_hospitals_message_of_any_segments(segments: list[tuple[str, str]]) -> None:
    takes("hl7v2", "\r".join([HEADER, *(f"{name}|{text}" for name, text in segments)]).encode())
