"""Whether the records speak of the same person as the order. What they say of another is never repeated."""

import re
from collections.abc import Iterator

from schemas.careplan import Severity
from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import OrderField

_MRN = re.compile(r"\b(?:mrn|medical record (?:number|no\.?))\b\W{0,3}(\d{4,10})\b")
_BORN = re.compile(r"\b(?:dob|date of birth|born)\b\W{0,3}(?:(\d{4})-(\d\d)-(\d\d)|(\d{1,2})[/-](\d{1,2})[/-](\d{4}))")
_AGE = re.compile(r"\b(\d{1,3})[ -](?:year|yr|y)s?[ -]?(?:old|o)\b|\b(\d{1,3}) ?y/?o\b")
_SEX = re.compile(r"\b(?:year[ -]old|y/?o|yo)[ -](?:\w+[ -])?(woman|female|lady|girl|man|male|gentleman|boy)\b")
_FEMALE = frozenset({"woman", "female", "lady", "girl"})
_YEARS_OF_TOLERANCE = 1


def same_person(case: Case) -> Iterator[ChecklistItem]:
    words, low = case.records.words, case.records.low
    if "mrn" in words or "medical record" in low:
        found = _MRN.search(low)
        if found and found[1].lstrip("0") != case.order.patient.mrn.lstrip("0"):
            yield _differs("mrn", "another medical record number", "patient.mrn", "high")
    if not words.isdisjoint({"dob", "birth", "born"}):
        found = _BORN.search(low)
        if found and not _is_birthday(case, found):
            yield _differs("date_of_birth", "another date of birth", "patient.date_of_birth", "high")
    if not words.isdisjoint({"old", "yo", "o"}):
        yield from _age_and_sex(case, low)


def _age_and_sex(case: Case, low: str) -> Iterator[ChecklistItem]:
    found = _AGE.search(low)
    if found and abs(int(found[1] or found[2]) - case.age) > _YEARS_OF_TOLERANCE:
        yield _differs("age", "another age", "patient.date_of_birth", "moderate")
    found = _SEX.search(low)
    sex = case.order.patient.sex
    if found and sex in ("female", "male") and (found[1] in _FEMALE) != (sex == "female"):
        yield _differs("sex", "another sex", "patient.sex", "moderate")


def _is_birthday(case: Case, found: "re.Match[str]") -> bool:
    born = case.order.patient.date_of_birth
    year, month, day = (int(part) for part in (found.group(1, 2, 3) if found[1] else found.group(6, 4, 5)))
    return (year, month, day) == (born.year, born.month, born.day)


def _differs(what: str, said: str, field: str, severity: Severity) -> ChecklistItem:
    return ChecklistItem(
        id=f"identity:{what}",
        severity=severity,
        category="adverse_reaction",
        what=f"The records carry {said} than the order: they may be another patient's, and with them every result in them.",
        action="Make sure whose records these are before anything in them is used.",
        evidence=(OrderField(field=field),),
        when="before anything is dispensed",
    )
