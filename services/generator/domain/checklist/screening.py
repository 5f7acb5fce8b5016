"""Tests before the first dose: which results the order and the records show, which are missing, which forbid a start."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from knowledge.facts import Baseline
from knowledge.models import CrossDrugRule
from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem, Gap, gap
from services.generator.domain.evidence import OrderField, RecordQuote, diagnosis
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Reading, Term, term

_HEPATITIS_B = tuple(
    map(term, ("HBsAg", "hepatitis B surface antigen", "anti-HBc", "HBcAb", "hepatitis B core antibody"))
)
_HEPATITIS_B_STATES = tuple(map(term, ("chronic hepatitis B", "active hepatitis B", "hepatitis B carrier")))
_TUBERCULOSIS = tuple(map(term, ("QuantiFERON", "T-SPOT", "IGRA", "tuberculin", "TST", "PPD", "TB test", "TB screen")))
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
    for wanted in guide.terms[fact.id]:
        if not wanted.words <= case.records.words:
            continue
        for place in islice(case.records.places(wanted), _MOST_MENTIONS):
            if not fact.loinc:
                return case.quote(place)
            result = case.records.result_at(place)
            if result is not None:
                return RecordQuote(quote=result)
    return None


def missing_results(case: Case, on_file: tuple[OnFile, ...]) -> Iterator[ChecklistItem]:
    """What has no result: one item each where a rule says that the first dose waits, one for all the others."""
    guide = case.guide
    if guide is None:
        return
    others: list[Baseline] = []
    for result in on_file:
        if result.evidence is not None or "weight" in result.fact.id:
            continue
        rule = guide.first_dose_waits.get(result.fact.id)
        if rule is not None:
            yield _missing(guide, rule, result.fact)
        else:
            others.append(result.fact)
    if others:
        yield _missing_others(guide, others)


def _missing(guide: Guide, rule: CrossDrugRule, fact: Baseline) -> ChecklistItem:
    missing = _gap(fact)
    return ChecklistItem(
        id=f"missing:{fact.id}",
        severity=rule.severity,
        category="needs_additional_therapy",
        what=f"No result of the {fact.test} stands in the order or the records: {missing.placeholder}. {fact.why}",
        action=f"{rule.action} {fact.text}",
        evidence=(guide.refs[fact.id],),
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
        forbidden = [f for f in guide.contraindications if f.absolute and f.id in guide.on_hepatitis_b]
        yield ChecklistItem(
            id="positive:hepatitis_b",
            severity="high",
            category="adverse_reaction",
            what=" ".join(
                (
                    f"Hepatitis B: a positive result or diagnosis is on file and {guide.drug.generic} can reactivate the virus.",
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
