"""Myasthenia gravis: medicines that may worsen it, and a code that disagrees with the records."""

from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import OrderField, RecordQuote
from services.generator.domain.reading import term


def worsening_medicines(case: Case) -> Iterator[ChecklistItem]:
    rule = case.library.rules.get("mg_worsening_drug")
    at = _diagnosis(case)
    if rule is None or at is None:
        return
    for medicine in case.medicines:
        for name in rule.classes:
            match = next(
                (t for t in case.library.indexes[name].names_in(medicine.reading) if medicine.reading.has(t)), None
            )
            if match is not None and not medicine.ended:
                yield _item(f"mg:{medicine.index}", medicine.text, rule.action, (medicine.evidence, at))
    listed = {word for medicine in case.medicines for word in medicine.reading.words}
    for name in rule.classes:
        for mention in case.library.indexes[name].mentions_in(case.records):
            skip = listed.issuperset(mention.name.split())
            if not (skip or case.records.denied(mention.place) or case.records.past(mention.place)):
                yield _item(f"mg:{mention.name}", mention.name, rule.action, (case.quote(mention.place), at))
                break


def _item(item_id: str, medicine: str, action: str, evidence: tuple[RecordQuote | OrderField, ...]) -> ChecklistItem:
    return ChecklistItem(
        id=item_id,
        severity="high",
        category="adverse_reaction",
        what=f"{medicine} may worsen myasthenia gravis.",
        action=action,
        evidence=evidence,
        medication=medicine,
    )


def code_mismatch(case: Case) -> Iterator[ChecklistItem]:
    """G70.00 says "without", G70.01 "with acute exacerbation": the records may disagree. Asked, never changed."""
    rule = case.library.rules.get("mg_code_mismatch")
    if rule is None or _diagnosis(case) is None:
        return
    for phrase in rule.phrases:
        at = next((i for i, code in enumerate(case.codes) if code.startswith(phrase.icd10)), None)
        if at is None:
            continue
        for words in phrase.contradicted_by:
            wanted = term(words)
            # "No crisis" is looked for as it stands; "crisis" only where it is not denied.
            denies = wanted.text.startswith(("no ", "without ", "stable "))
            place = next((p for p in case.records.places(wanted) if denies or not case.records.denied(p)), None)
            if place is not None:
                yield ChecklistItem(
                    id=f"code:{case.codes[at]}",
                    severity="low",
                    category="needs_additional_therapy",
                    what=f"The code and the records disagree: {phrase.means} The records say “{words}”.",
                    action=rule.action,
                    evidence=(_field(at), case.quote(place)),
                )
                break


def _diagnosis(case: Case) -> OrderField | None:
    return next((_field(i) for i, code in enumerate(case.codes) if code.startswith("G70.0")), None)


def _field(at: int) -> OrderField:
    return OrderField(field="primary_diagnosis" if at == 0 else f"additional_diagnoses.{at - 1}")
