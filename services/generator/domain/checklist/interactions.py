"""What the patient takes besides, and what was or will be given: compared with the drug's listed interactions."""

import re
from collections import defaultdict
from collections.abc import Iterator

from knowledge.facts import Interaction
from schemas.careplan import Severity
from services.generator.domain.case import Case, Medicine
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Place

_PLANNED = re.compile(r"\b(?:planned|scheduled|upcoming|booked|will have|is to have|due)\b")
# "MMR immune", "MMR given 2015": nothing that is still to come.
_DONE_WITH = re.compile(r"[\s:(]{1,3}(?:\w+\s){0,2}?(?:immun(?:e|ity)|titers?|given|received|completed)\b")
_STILL_TO_COME = ("not yet had", "has not had", "not yet received", "no record of", "due for", "overdue", "needs ")


def home_medicines(case: Case) -> Iterator[ChecklistItem]:
    """One item a listed interaction, naming the entries of the medication history that it concerns."""
    guide = case.guide
    if guide is None:
        return
    if guide.interacting_names.words.isdisjoint(case.history_words):
        return
    found: dict[str, list[Medicine]] = defaultdict(list)
    facts: dict[str, Interaction] = {}
    quotes: dict[str, dict[RecordQuote, None]] = defaultdict(dict)
    for medicine in case.medicines:
        for wanted in guide.interacting_names.names_in(medicine.reading):
            for fact in guide.interacting[wanted.text]:
                if medicine not in found[fact.id] and medicine.reading.has(wanted):
                    found[fact.id].append(medicine)
                    facts[fact.id] = fact
                    quotes[fact.id].update(dict.fromkeys(case.quotes_of(wanted)))
    for fact_id, medicines in found.items():
        if medicines:
            yield _with_medicines(guide, facts[fact_id], medicines, tuple(quotes[fact_id]))


def _with_medicines(
    guide: Guide, fact: Interaction, medicines: list[Medicine], quotes: tuple[RecordQuote, ...]
) -> ChecklistItem:
    ended = all(medicine.ended for medicine in medicines)
    severity: Severity = "moderate" if ended and fact.severity == "high" else fact.severity
    names = "; ".join(medicine.text for medicine in medicines)
    told = "recently ended" if ended else "in the medication history"
    return ChecklistItem(
        id=f"interaction:{fact.id}",
        severity=severity,
        category="adverse_reaction",
        what=f"{guide.drug.generic} with {names} ({told}): {fact.text} Effect: {fact.effect}",
        action=fact.action,
        evidence=(*(medicine.evidence for medicine in medicines), guide.refs[fact.id], *quotes),
        medication=medicines[0].text,
    )


def medicines_in_records(case: Case) -> Iterator[ChecklistItem]:
    """A listed interaction with something that only the records name: moderate until somebody says that it is current.

    Vaccines and procedures are the exception: one that the records do not deny is as serious as its fact says.
    """
    guide = case.guide
    if guide is None:
        return
    seen: set[str] = set()
    listed = case.history_words
    for mention in guide.interacting_names.mentions_in(case.records):
        facts = [fact for fact in guide.interacting[mention.name] if fact.id not in seen]
        if not facts or listed.issuperset(mention.name.split()) or mention.name in guide.premedication_names:
            continue
        if case.records.denied(mention.place) or case.records.past(mention.place):
            continue
        if all(fact.target_kind == "vaccine" for fact in facts) and _DONE_WITH.match(
            case.records.low, mention.place.end
        ):
            continue
        quote = case.quote(mention.place)
        for fact in facts:
            seen.add(fact.id)
            written = case.order.patient_records[mention.place.start : mention.place.end]
            # Neither a vaccine nor an operation is ever an entry of a medication history: the records are their place.
            grave = fact.target_kind == "vaccine" or (
                fact.target_kind == "procedure" and bool(_PLANNED.search(quote.quote.lower()))
            )
            yield _with_mention(guide, fact, mention.name, written, quote, grave=grave)


def _with_mention(
    guide: Guide, fact: Interaction, name: str, written: str, quote: RecordQuote, *, grave: bool
) -> ChecklistItem:
    beside = ", which the medication history does not" if fact.target_kind == "drug" else ""
    return ChecklistItem(
        id=f"mention:{fact.id}:{name}",
        severity=fact.severity if grave or fact.severity == "low" else "moderate",
        category="adverse_reaction",
        what=f"The records name {written}{beside}: {fact.text}",
        action=f"Clarify whether {written} is current or planned. If it is: {fact.action}",
        evidence=(quote, guide.refs[fact.id]),
        medication=written,
    )


def planned_vaccines(case: Case) -> Iterator[ChecklistItem]:
    """A recommended non-live vaccine of which the records say that it is still to come."""
    guide = case.guide
    if guide is None:
        return
    for fact in guide.vaccines:
        if fact.live:
            continue
        for cue in _STILL_TO_COME:
            at = case.records.low.find(cue)
            if at < 0:
                continue
            sentence = case.records.low[at : case.records.sentence(at).end]
            names = [v for v in fact.vaccines if v.split(" vaccine")[0].casefold() in sentence]
            if names:
                yield ChecklistItem(
                    id=f"vaccine:{fact.id}",
                    severity="moderate",
                    category="needs_additional_therapy",
                    what=f"Still to be given: {', '.join(names)}. {fact.text}",
                    action=f"Ask the prescriber about {', '.join(names)} ({fact.timing}).",
                    evidence=(case.quote(Place(at, at + len(cue))), guide.refs[fact.id]),
                    medication=names[0],
                )
                return
