"""Every recorded allergy is named and compared with the drug, its excipients and the medicines given around it."""

import re
from collections.abc import Iterator

from knowledge.facts import Contraindication
from services.generator.domain.case import Case, Recorded
from services.generator.domain.checklist.item import ChecklistItem, gap
from services.generator.domain.evidence import FactRef, OrderField, RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Reading

_NONE_KNOWN = re.compile(r"^\s*(?:no\b|none\b|nil\b|nk(?:d?a)\b|nkda\b|negative\b|denies\b|unknown\b)")
# Begins with its letters: the search is then a plain one until they are found.
_ALLERGY = re.compile(r"allerg(?:y|ies|ic to)\b\s*(?:to\b)?\s*:?")
_MOST_SENTENCES = 8


def recorded_allergies(case: Case) -> Iterator[ChecklistItem]:
    """One item for each allergy that touches the treatment, and one that says the others were compared."""
    if not case.allergies:
        yield _nothing_recorded(case)
        return
    clear: list[Recorded] = []
    for allergy in case.allergies:
        none = _NONE_KNOWN.match(allergy.reading.low)
        hits = () if none else tuple(_hits(case, allergy.reading, allergy.evidence))
        yield from hits
        if not hits:
            clear.append(allergy)
    if clear and case.guide is not None:
        yield _compared(case.guide, clear)


def allergies_only_in_records(case: Case) -> Iterator[ChecklistItem]:
    """An allergy that the records tell of and the order does not, where it touches the treatment."""
    records = case.records
    if "allerg" not in records.low:
        return
    known = {word for allergy in case.allergies for word in allergy.reading.words}
    seen: set[str] = set()
    for found, _ in zip(_ALLERGY.finditer(records.low), range(_MOST_SENTENCES), strict=False):
        begin, end = found.end(), records.sentence(found.start()).end
        said = Reading(records.text[begin:end])
        quote = records.text[found.start() : end].strip(" \n\t\r.;,")
        if _NONE_KNOWN.match(said.low) or not quote:
            continue
        for item in _hits(case, said, RecordQuote(quote=quote)):
            if item.id not in seen and not _names(item) <= known:
                seen.add(item.id)
                yield item


def _names(item: ChecklistItem) -> frozenset[str]:
    return frozenset(item.id.rsplit(":", 1)[-1].split())


def _hits(case: Case, allergy: Reading, where: OrderField | RecordQuote) -> Iterator[ChecklistItem]:
    guide = case.guide
    if guide is None:
        return
    said = "in the order" if isinstance(where, OrderField) else "in the records only"
    named = f'"{allergy.text.strip()}"' if isinstance(where, OrderField) else "An allergy"
    told: set[str] = set()
    for fact in guide.on_allergies:
        match = next((t for t in guide.terms[fact.id] if allergy.has(t)), None)
        # A contraindication comes before the excipient that it is about: one problem for one allergy.
        if match is not None and match.text not in told:
            told.add(match.text)
            yield ChecklistItem(
                id=f"allergy:{fact.id}:{match.text}",
                severity="high",
                category="adverse_reaction",
                what=f"{named} recorded {said} ({match.text}) against {guide.drug.generic}: {fact.text}",
                action=fact.action,
                evidence=(
                    where,
                    guide.refs[fact.id],
                    *(case.quotes_of(match) if isinstance(where, OrderField) else ()),
                ),
                medication=guide.drug.generic,
            )
    for name in guide.premedication_terms:
        if allergy.has(name):
            yield _premedication(guide, named, said, name.text, where)


def _premedication(guide: Guide, named: str, said: str, name: str, where: OrderField | RecordQuote) -> ChecklistItem:
    facts = tuple(guide.refs[f.id] for f in guide.premedications if name in {d.casefold() for d in f.drugs})
    return ChecklistItem(
        id=f"allergy:premedication:{name}",
        severity="high",
        category="adverse_reaction",
        what=f"{named} recorded {said}: {name} is usual before {guide.drug.generic}.",
        action=f"Do not give {name}; ask the prescriber for another premedication.",
        evidence=(where, *facts),
        medication=name,
    )


def _compared(guide: Guide, clear: list[Recorded]) -> ChecklistItem:
    names = "; ".join(allergy.text for allergy in clear)
    against = list(dict.fromkeys(fact.excipient for fact in guide.excipients))
    listed = f" and its listed excipients ({', '.join(against)})" if against else ""
    refs: list[FactRef] = [guide.refs[f.id] for f in guide.excipients]
    refs += [guide.refs[f.id] for f in guide.on_allergies if isinstance(f, Contraindication)]
    return ChecklistItem(
        id="allergy:compared",
        severity="low",
        category="adverse_reaction",
        what=f"Recorded allergies ({names}) were compared with {guide.drug.generic}{listed}: no match was found.",
        action=f"Ask the patient again about allergies, and compare them with the package of the product dispensed: {names}.",
        evidence=(*(allergy.evidence for allergy in clear), *refs),
        when="before dispensing",
        medication=guide.drug.generic,
    )


def _nothing_recorded(case: Case) -> ChecklistItem:
    missing = gap("allergies", "nothing could be compared with the drug and its excipients.")
    return ChecklistItem(
        id="allergy:missing",
        severity="moderate",
        category="adverse_reaction",
        what=f"The order carries no statement on allergies: {missing.placeholder}.",
        action="Ask the patient and the prescriber about allergies to medicines, excipients, latex and food.",
        evidence=(OrderField(field="medication"),),
        medication=case.guide.drug.generic if case.guide else case.order.medication,
        gaps=(missing,),
    )
