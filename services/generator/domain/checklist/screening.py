"""Tests before the first dose: which results the order and the records show, which are missing, which forbid a start."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from knowledge.facts import Baseline
from schemas.careplan import Severity
from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem, Gap, gap
from services.generator.domain.evidence import OrderField, RecordQuote, diagnosis
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Place, Reading, Term, term

_HEPATITIS_B = tuple(
    map(term, ("HBsAg", "hepatitis B surface antigen", "anti-HBc", "HBcAb", "hepatitis B core antibody"))
)
_HEPATITIS_B_STATES = tuple(map(term, ("chronic hepatitis B", "active hepatitis B", "hepatitis B carrier")))
_TUBERCULOSIS = tuple(map(term, ("QuantiFERON", "T-SPOT", "IGRA", "tuberculin", "TST", "PPD", "TB test", "TB screen")))
# "Pregnancy test not done", "two tests required; none on file": the words of a test without its result.
_WITHOUT_A_RESULT = re.compile(
    r"[^.\n]{0,40}?\b(?:not (?:yet )?(?:done|drawn|available|performed|obtained|on file)|none on file|no result|pending|indeterminate|equivocal|invalid|to be (?:done|drawn)|"
    r"(?:is |are )?(?:still )?(?:outstanding|awaited)|needed|required)\b"
)
_HAS_NO = re.compile(r"\b(?:has no|have no|does not have an?|lacks an?|without an?|no)\s+(?:\w+\s+)?$")
_TO_HAVE_AT_HAND = ("autoinjector", "plan", "training")
_POSITIVE_WORDS = frozenset({"positive", "reactive", "pos", "detected", "detectable"})
_NOT_WITHOUT = "a missing"
_MOST_MENTIONS = 4
_MOST_COMBINATIONS = 200
_WEIGHT = OrderField(field="patient.weight_kg")
_HEPATITIS_B_CODES = ("B16", "B18.0", "B18.1", "B19.1", "Z22.51")


@dataclass(frozen=True, slots=True)
class OnFile:
    """A baseline test and where its result stands; `evidence` is None where there is none."""

    fact: Baseline
    evidence: RecordQuote | OrderField | None


def baselines(case: Case) -> tuple[OnFile, ...]:
    """Every baseline test that concerns this patient."""
    guide = case.guide
    if guide is None:
        return ()
    return tuple(
        OnFile(f, _result(case, guide, f)) for f in guide.baselines if case.may_become_pregnant or not _is_pregnancy(f)
    )


def _is_pregnancy(fact: Baseline) -> bool:
    return "pregnan" in fact.test


def _result(case: Case, guide: Guide, fact: Baseline) -> RecordQuote | OrderField | None:
    if "29463-7" in fact.loinc or fact.test == "body weight":
        return _WEIGHT if case.order.patient.weight_kg is not None else None
    if fact.test == "complete medication list" and case.medicines:
        return OrderField(field="medication_history")
    if fact.id in guide.on_hepatitis_b and not case.records.words.isdisjoint(_POSITIVE_WORDS):
        # "HBsAg negative, anti-HBc positive": the negative half must not stand for the whole.
        positive = _positive(case.records, guide.terms[fact.id])
        if positive:
            return positive[0]
    words = case.records.words
    shown = (_shown(case, fact, wanted) for wanted in guide.terms[fact.id] if wanted.words <= words)
    return next((quote for quote in shown if quote is not None), None)


def _shown(case: Case, fact: Baseline, wanted: Term) -> RecordQuote | None:
    """The first mention with a result, or of what has no figures the first that does not say that it is missing."""
    for place in islice(case.records.places(wanted), _MOST_MENTIONS):
        if fact.loinc:
            result = case.records.result_at(place)
            if result is not None:
                return RecordQuote(quote=result)
        elif not _is_absent(case.records, fact, place):
            return case.quote(place)
    return None


def _is_absent(records: Reading, fact: Baseline, place: Place) -> bool:
    """It is named, but only to say that it is still missing, or that the patient does not have it at hand."""
    if _WITHOUT_A_RESULT.match(records.low, place.end, records.sentence(place.start).end + 40):
        return True
    at_hand = any(word in fact.test for word in _TO_HAVE_AT_HAND)
    return at_hand and bool(_HAS_NO.search(records.low, max(0, place.start - 40), place.start))


def missing_results(case: Case, on_file: tuple[OnFile, ...]) -> Iterator[ChecklistItem]:
    """What has no result: one item each where a rule or the fact says that the first dose waits, one for all the others."""
    guide = case.guide
    if guide is None:
        return
    others: list[Baseline] = []
    for result in on_file:
        if result.evidence is not None or "weight" in result.fact.id:
            continue
        rule = guide.first_dose_waits.get(result.fact.id)
        if rule is not None:
            yield _missing(case, guide, result.fact, rule.severity, rule.action)
        elif result.fact.do_not_start.startswith(_NOT_WITHOUT):
            yield _missing(
                case, guide, result.fact, "high", f"Do not release the first dose without the {result.fact.test}."
            )
        else:
            others.append(result.fact)
    if others:
        yield _missing_others(guide, others)


def _missing(case: Case, guide: Guide, fact: Baseline, severity: Severity, action: str) -> ChecklistItem:
    missing = _gap(fact)
    # "QuantiFERON indeterminate, repeat not done" is no result, and whoever asks for one should know of it.
    quote = next((case.quote(place) for t in guide.terms[fact.id] for place in case.records.places(t)), None)
    said = f' The records say: "{quote.quote}".' if quote is not None else ""
    return ChecklistItem(
        id=f"missing:{fact.id}",
        severity=severity,
        category="needs_additional_therapy",
        what=f"No result of the {fact.test} stands in the order or the records: {missing.placeholder}.{said} {fact.why}",
        action=f"{action} {fact.text}",
        evidence=(guide.refs[fact.id],) if quote is None else (guide.refs[fact.id], quote),
        medication=guide.drug.generic,
        gaps=(missing,),
    )


def _missing_others(guide: Guide, facts: list[Baseline]) -> ChecklistItem:
    known = guide.missing.get(tuple([fact.id for fact in facts]))
    if known is None:
        # As many as there are sets of tests that orders lack: few are common, and all are the drug's own words.
        if len(guide.missing) > _MOST_COMBINATIONS:
            guide.missing.clear()
        known = guide.missing[tuple([fact.id for fact in facts])] = _others(guide, facts)
    return known


def _others(guide: Guide, facts: list[Baseline]) -> ChecklistItem:
    gaps = tuple(_gap(fact) for fact in facts)
    before = any(fact.before_first_dose for fact in facts)
    why = [fact.why for fact in facts if fact.before_first_dose]
    return ChecklistItem(
        id="missing:baseline",
        severity="moderate" if before else "low",
        category="needs_additional_therapy",
        what=f"Baseline checks for {guide.drug.generic} without a result in the order or the records: "
        f"{', '.join(missing.placeholder for missing in gaps)}.",
        action=" ".join([f"Ask for the results or have them done: {'; '.join(fact.test for fact in facts)}.", *why]),
        evidence=tuple(guide.refs[fact.id] for fact in facts),
        medication=guide.drug.generic,
        gaps=gaps,
    )


def _gap(fact: Baseline) -> Gap:
    return gap(fact.test, "ask for it before the first dose.")


def positive_hepatitis_b(case: Case) -> Iterator[ChecklistItem]:
    """HBsAg or anti-HBc positive, or a code that says so, with a drug that can reactivate hepatitis B."""
    guide, rule = case.guide, case.library.rules.get("hbv_positive")
    if guide is None or rule is None or not guide.on_hepatitis_b:
        return
    evidence: list[RecordQuote | OrderField] = [
        diagnosis(i) for i, code in enumerate(case.codes) if code.startswith(_HEPATITIS_B_CODES)
    ]
    evidence += _positive(case.records, _HEPATITIS_B)
    evidence += _stated(case.records, _HEPATITIS_B_STATES)
    if evidence:
        quotes = dict.fromkeys(f'"{piece.quote}"' for piece in evidence if isinstance(piece, RecordQuote))
        found = f" ({'; '.join(quotes)})" if quotes else ""
        forbidden = [f for f in guide.contraindications if f.absolute and f.id in guide.on_hepatitis_b]
        yield ChecklistItem(
            id="positive:hepatitis_b",
            severity="high",
            category="adverse_reaction",
            what=" ".join(
                (
                    f"Hepatitis B: a positive result or diagnosis is on file{found} and {guide.drug.generic} can reactivate the virus.",
                    *(fact.text for fact in forbidden),
                )
            ),
            action=" ".join((*(fact.action for fact in forbidden), rule.action)),
            evidence=(*evidence, *(guide.refs[fact_id] for fact_id in guide.on_hepatitis_b)),
            medication=guide.drug.generic,
        )


def positive_tuberculosis(case: Case) -> Iterator[ChecklistItem]:
    """A positive tuberculosis test with a drug that asks for one first."""
    guide = case.guide
    fact = guide.tuberculosis if guide else None
    if guide is None or fact is None:
        return
    evidence = _positive(case.records, _TUBERCULOSIS)
    if evidence:
        yield ChecklistItem(
            id="positive:tuberculosis",
            severity="high",
            category="needs_additional_therapy",
            what=f"Tuberculosis: a positive test is on file. Before {guide.drug.generic}: {fact.text}",
            action="Hold the first dose until the prescriber confirms that active tuberculosis is excluded and that latent "
            "tuberculosis is treated.",
            evidence=(*evidence, guide.refs[fact.id]),
            medication=guide.drug.generic,
        )


def negative_that_forbids(case: Case) -> Iterator[ChecklistItem]:
    """A test that has to be positive before the first dose, such as antibodies against varicella."""
    guide = case.guide
    if guide is None:
        return
    for fact in guide.need_a_positive:
        for wanted in guide.terms[fact.id]:
            place = next((p for p in case.records.places(wanted) if case.records.result(p) == "negative"), None)
            if place is not None:
                yield ChecklistItem(
                    id=f"negative:{fact.id}",
                    severity="high",
                    category="needs_additional_therapy",
                    what=f"A negative {fact.test} is on file. Before {guide.drug.generic}: {fact.text} {fact.why}",
                    action=f"Hold the first dose and ask the prescriber about vaccination. {fact.text}",
                    evidence=(case.quote(place), guide.refs[fact.id]),
                    medication=guide.drug.generic,
                )
                break


def _stated(records: Reading, terms: tuple[Term, ...]) -> list[RecordQuote]:
    places = (place for wanted in terms for place in records.places(wanted) if not records.denied(place))
    return [RecordQuote(quote=quote) for quote in dict.fromkeys(records.quote(place) for place in places)]


def _positive(records: Reading, terms: tuple[Term, ...]) -> list[RecordQuote]:
    found: dict[str, None] = {}
    for wanted in terms:
        for place in records.places(wanted):
            if records.result(place) == "positive":
                found[records.quote(place)] = None
    return [RecordQuote(quote=quote) for quote in found]
