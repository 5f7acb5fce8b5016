"""Myasthenia gravis: medicines that may worsen it, and a code that disagrees with the records."""

from collections.abc import Iterator
from functools import lru_cache

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import OrderField, RecordQuote, diagnosis
from services.generator.domain.reading import term

_term = lru_cache(maxsize=64)(term)


def worsening_medicines(case: Case) -> Iterator[ChecklistItem]:
    rule = case.library.rules.get("mg_worsening_drug")
    at = _diagnosis(case)
    if rule is None or at is None:
        return
    index = case.library.worsens_myasthenia
    for medicine in case.medicines:
        name = next((name for name in index.names_in(medicine.reading) if medicine.reading.has(name)), None)
        if name is not None and not medicine.ended:
            quotes = case.quotes_of(name)
            yield _item(f"mg:{medicine.index}", medicine.text, rule.action, (medicine.evidence, at, *quotes))
    seen: set[str] = set()
    for mention in index.mentions_in(case.records):
        skip = mention.name in seen or case.history_words.issuperset(mention.name.split())
        if not (skip or case.records.denied(mention.place) or case.records.past(mention.place)):
            seen.add(mention.name)
            yield _item(f"mg:{mention.name}", mention.name, rule.action, (case.quote(mention.place), at))


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
            wanted = _term(words)
            # "No crisis" is looked for as it stands; "crisis" only where it is not denied.
            denies = wanted.text.startswith(("no ", "without ", "stable "))
            place = next((p for p in case.records.places(wanted) if denies or not case.records.denied(p)), None)
            if place is not None:
                yield ChecklistItem(
                    id=f"code:{case.codes[at]}",
                    severity="low",
                    category="needs_additional_therapy",
                    what=f'The code and the records disagree: {phrase.means} The records say "{words}".',
                    action=rule.action,
                    evidence=(diagnosis(at), case.quote(place)),
                )
                break


def _diagnosis(case: Case) -> OrderField | None:
    return next((diagnosis(at) for at, code in enumerate(case.codes) if code.startswith("G70.0")), None)
