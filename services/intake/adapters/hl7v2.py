"""`hl7v2`: a hospital's pharmacy order, OMP^O09, version 2.5.1. It is answered by HTTP, not by an ACK."""

import re
from collections.abc import Iterator
from typing import cast

from services.intake.adapters.base import Draft, Field, Source, malformed, put_external_id
from services.intake.adapters.hl7_message import Message, Segment, parse_message
from services.intake.adapters.values import date_as, decimal, kilograms, one_of
from services.intake.domain.draft import Unfit

_SEX = one_of({"F": "female", "M": "male", "O": "other", "U": "unknown"})
_DATE = date_as("YYYYMMDD")
_MOMENT = re.compile(r"[0-9]{8}([0-9]{2}){0,3}(\.[0-9]{1,4})?([+-][0-9]{4})?")
_BODY_WEIGHT = "29463-7"
_POUNDS = ("lb", "[lb_av]")
_CODED, _ENCAPSULATED = frozenset({"CE", "CWE", "CNE"}), "ED"
_MRN_TYPE, _MRN_AUTHORITY = "MR", "SPECRX"
_NO_CONCERN: dict[str, frozenset[int]] = {
    "MSH": frozenset(range(1, 26)),
    "PID": frozenset({1}),
    "AL1": frozenset({1, 2, 4}),
    "DG1": frozenset({1, 6}),
    "ORC": frozenset({1}),
    "RXO": frozenset({2, 3, 4}),
    "RXE": frozenset({1, 3, 4, 5}),
    "OBX": frozenset({1, 2, 7, 11}),
    "NTE": frozenset({1, 2}),
}
"""Segments that are read, and which of their fields only number, describe or repeat what we take from the others."""


class Hl7v2(Source):
    name = "hl7v2"
    content_type = "application/hl7-v2"

    def parse(self, body: bytes) -> Message:
        message = parse_message(body)
        header = message.first("MSH")
        if (header.component(9, 1), header.component(9, 2)) != ("OMP", "O09"):
            malformed("This is not an OMP^O09 message.", "MSH-9")
        if header.component(12, 1) != "2.5.1":
            malformed("This is not version 2.5.1.", "MSH-12")
        return message

    def transform(self, document: Message, draft: Draft) -> None:
        order = document.first("ORC")
        put_external_id(draft, order.at(2))
        draft.put("order_date", document.first("MSH").at(7), _day)
        if len(document.all("PID")) > 1:
            malformed("A message is about one patient.", "PID")
        _patient(document.first("PID"), draft)
        draft.put_all("patient.allergies", [_allergy(segment) for segment in document.all("AL1")])
        _diagnoses(document.all("DG1"), draft)
        _provider(order, draft)
        _drugs(document.all("RXO", "RXE"), draft)
        _observations(document, draft)
        draft.ignored = list(dict.fromkeys(_unknown(document)))


def _day(moment: str) -> str:
    """The date in the sender's own offset: the one that is written."""
    if not _MOMENT.fullmatch(moment):
        raise Unfit("A time is written YYYYMMDDHHMMSS+ZZZZ here, at least to the day.")
    return cast("str", _DATE(moment[:8]))


def _patient(pid: Segment, draft: Draft) -> None:
    numbers = {
        pid.component(3, 1, repetition)
        for repetition in pid.repetitions(3)
        if (pid.component(3, 5, repetition), pid.component(3, 4, repetition)) == (_MRN_TYPE, _MRN_AUTHORITY)
    }
    if len(numbers) > 1:
        draft.fault("PID-3", "VALUE", f"There is more than one {_MRN_TYPE} of {_MRN_AUTHORITY}.")
    draft.put("patient.mrn", Field("PID-3", min(numbers, default=None)))
    suffix = pid.component(5, 4)
    family = pid.at(5, 1)
    draft.put("patient.first_name", pid.at(5, 2))
    draft.put("patient.last_name", Field(family.place, family.value and f"{family.value} {suffix}".strip()))
    draft.put("patient.date_of_birth", pid.at(7), _DATE)
    draft.put("patient.sex", pid.at(8), _SEX)


def _allergy(al1: Segment) -> Field:
    reactions = ", ".join(filter(None, (al1.component(5, 1, repetition) for repetition in al1.repetitions(5))))
    allergen = al1.component(3, 2) or al1.component(3, 1)
    return Field(f"{al1.place}-3.2", f"{allergen} ({reactions})" if reactions and allergen else allergen)


def _diagnoses(segments: list[Segment], draft: Draft) -> None:
    in_order = sorted(segments, key=lambda segment: _set_id(segment, draft))
    found = [_diagnosis(segment, draft) for segment in in_order] or [Field("DG1-3.1", None)]
    draft.put("primary_diagnosis", found[0])
    draft.put_all("additional_diagnoses", found[1:])


def _set_id(dg1: Segment, draft: Draft) -> int:
    number = dg1.component(1, 1)
    if not (number.isascii() and number.isdigit() and len(number) <= 4):
        draft.fault(f"{dg1.place}-1", "VALUE", "DG1-1 is the number of the diagnosis: 1 for the primary one.")
        return 0
    return int(number)


def _diagnosis(dg1: Segment, draft: Draft) -> Field:
    code = dg1.at(3, 1)
    if code.value and dg1.component(3, 3) not in {"I10C", "I10"}:
        # Not passed over: the next one would silently become the primary diagnosis.
        draft.fault(code.place, "VALUE", "The coding system of a diagnosis, DG1-3.3, is I10C or I10.")
        return Field(code.place, None)
    return code


def _provider(orc: Segment, draft: Draft) -> None:
    draft.put("provider.npi", orc.at(12, 1))
    family, given, degree = orc.component(12, 2), orc.component(12, 3), orc.component(12, 7)
    name = f"{given} {family}".strip() + (f", {degree}" if degree else "")
    draft.put("provider.name", Field(f"{orc.place}-12.2", name if family else None))


def _drugs(segments: list[Segment], draft: Draft) -> None:
    """The first RXO is what is ordered, what follows is what the patient takes already."""
    ordered = next((segment for segment in segments if segment.name == "RXO"), None)
    draft.put("medication", _drug(ordered, 1) if ordered else Field("RXO-1.2", None))
    others = [segment for segment in segments if segment is not ordered]
    draft.put_all("medication_history", [_drug(other, 1 if other.name == "RXO" else 2) for other in others])


def _drug(segment: Segment, position: int) -> Field:
    name = segment.component(position, 2) or segment.component(position, 1)
    return Field(f"{segment.place}-{position}.2", name)


def _observations(message: Message, draft: Draft) -> None:
    """Body weight is a value of its own; everything else observed or noted is the records, one line each."""
    lines = []
    for obx in message.all("OBX"):
        if obx.component(3, 1) == _BODY_WEIGHT:
            _weight(obx, draft)
        elif obx.component(2, 1) != _ENCAPSULATED:
            lines.append(_line(obx))
    for note in message.all("NTE"):
        lines += note.texts(3)
    draft.put("patient_records", Field("NTE-3", "\n".join(line for line in lines if line.strip())))


def _weight(obx: Segment, draft: Draft) -> None:
    unit = obx.at(6)
    if "patient.weight_kg" in draft.places:
        draft.fault(f"{obx.place}-5", "VALUE", "There is more than one body weight.")
    else:
        draft.put("patient.weight_kg", obx.at(5), lambda amount: kilograms(decimal(amount), unit, _POUNDS))


def _line(obx: Segment) -> str:
    """`name: value units (flag)`, of what is there."""
    name = obx.component(3, 2) or obx.component(3, 1)
    coded = obx.component(2, 1) in _CODED
    values = [obx.component(5, 2, entry) or obx.component(5, 1, entry) for entry in obx.repetitions(5)] if coded else []
    value = ", ".join(filter(None, values or obx.texts(5)))
    if not value:
        return ""
    flags = ", ".join(filter(None, obx.texts(8)))
    return " ".join(filter(None, (f"{name}:", value, obx.component(6, 1), f"({flags})" if flags else "")))


def _unknown(message: Message) -> Iterator[str]:
    for segment in message.segments:
        known = _NO_CONCERN.get(segment.name)
        if known is None:
            yield segment.name
        else:
            yield from segment.unknown(known)
