"""What the pharmacist does, when, and for which problem."""

from collections.abc import Iterator, Mapping

from services.generator.adapters.scripted.goals import follow_up
from services.generator.adapters.scripted.outline import Outline
from services.generator.adapters.scripted.problems import ADHERENCE, EFFECT, MEDICATION, RISKS
from services.generator.domain.answer import InterventionItem
from services.generator.domain.evidence import Evidence, FactRef, OrderField, RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.request import PlanRequest
from services.generator.domain.unlisted import unlisted_medicines

PHARMACIST = "pharmacist"
HISTORY = OrderField(field="medication_history")
WEIGHT = OrderField(field="patient.weight_kg")


def interventions(
    request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]
) -> Iterator[InterventionItem]:
    for item in request.checklist:
        yield InterventionItem(
            text=item.action,
            when=item.when,
            by=PHARMACIST,
            addresses=(ids[item.id],),
            evidence=item.evidence,
        )
    yield _dose(request, guide, ids)
    yield from _preparation(request, guide, ids)
    yield reconciliation(request, ids)
    yield from _vaccines(guide, ids)
    missing = details(request, ids)
    if missing is not None:
        yield missing
    yield _counselling(guide, plan, ids)
    yield _escalation(guide, plan, ids)
    yield _follow_up(request, guide, plan, ids)


def _dose(request: PlanRequest, guide: Guide, ids: Mapping[str, str]) -> InterventionItem:
    evidence: tuple[Evidence, ...]
    if not request.doses:
        rules = [rule for rule in guide.doses if not rule.steps] or list(guide.doses)
        said = " ".join(rule.text for rule in rules)
        evidence = (MEDICATION, *(guide.refs[rule.id] for rule in rules))
        text = (
            f"Dose: the code computes none for this order; check the prescribed one against the current label. {said}"
        )
    else:
        said = "; ".join(
            dose.words + (f" ({', '.join(day.isoformat() for day in dose.dates)})" if dose.dates else "")
            for dose in request.doses
        )
        by_weight = any(dose.weight_kg is not None for dose in request.doses)
        text = f"Check the prescribed dose of {guide.drug.generic} against the computed one: {said}."
        refs = tuple(guide.refs[rule_id] for rule_id in dict.fromkeys(dose.rule.id for dose in request.doses))
        evidence = (MEDICATION, *((WEIGHT,) if by_weight else ()), *refs)
    addresses = tuple(ids[i] for i in ("weight:missing", "weight:contradiction", "dose:rule") if i in ids)
    return InterventionItem(
        text=text,
        when="before each dispensing",
        by=PHARMACIST,
        addresses=addresses or (ids[EFFECT],),
        evidence=evidence,
    )


def _preparation(request: PlanRequest, guide: Guide, ids: Mapping[str, str]) -> Iterator[InterventionItem]:
    addresses = (ids.get(RISKS) or ids[EFFECT],)
    for fact in guide.premedications:
        quote = _premedication_on_file(request, guide)
        said = f' The records say: "{quote.quote}".' if quote is not None else ""
        yield InterventionItem(
            text=f"Premedication: {fact.text}{said}",
            when=fact.timing,
            by="infusion nurse",
            addresses=addresses,
            evidence=(guide.refs[fact.id],) if quote is None else (guide.refs[fact.id], quote),
        )
    if request.doses:
        for rule in guide.doses:
            if not rule.steps:
                yield InterventionItem(
                    text=rule.text,
                    when="before each dispensing",
                    by=PHARMACIST,
                    addresses=addresses,
                    evidence=(guide.refs[rule.id],),
                )


def _premedication_on_file(request: PlanRequest, guide: Guide) -> RecordQuote | None:
    records = request.case.records
    for wanted in guide.premedication_terms:
        place = next(records.places(wanted), None)
        if place is not None:
            return RecordQuote(quote=records.quote(place))
    return None


def reconciliation(request: PlanRequest, ids: Mapping[str, str]) -> InterventionItem:
    """Names every entry of the history: those that touch the treatment, and those that do not."""
    history, unlisted = request.case.medicines, unlisted_medicines(request.case)
    if not history:
        text = (
            "Medication reconciliation: take the patient's full list of medicines, those without prescription included."
        )
    else:
        touched = {
            piece.field for item in request.checklist for piece in item.evidence if isinstance(piece, OrderField)
        }
        clear = [entry.text for entry in history if entry.evidence.field not in touched]
        told = f" No interaction is listed for: {'; '.join(clear)}." if clear and request.guide else ""
        text = f"Medication reconciliation with the patient, all {len(history)}: {'; '.join(entry.text for entry in history)}.{told}"
    if unlisted:
        text += f" Named in the records only, ask whether they are taken: {', '.join(name for name, _ in unlisted)}."
    return InterventionItem(
        text=text,
        when="before the first dose and at every refill",
        by=PHARMACIST,
        addresses=(ids.get(ADHERENCE) or next(iter(ids.values())),),
        evidence=(HISTORY if history else MEDICATION, *(quote for _, quote in unlisted)),
    )


def _vaccines(guide: Guide, ids: Mapping[str, str]) -> Iterator[InterventionItem]:
    vaccines = [*guide.vaccines, *(f for f in guide.interactions if f.target_kind == "vaccine")]
    if vaccines:
        yield InterventionItem(
            text="Review the vaccination record. " + " ".join(fact.text for fact in vaccines),
            when="before the first dose",
            by=PHARMACIST,
            addresses=(ids.get(RISKS) or ids[EFFECT],),
            evidence=tuple(guide.refs[fact.id] for fact in vaccines),
        )


def details(request: PlanRequest, ids: Mapping[str, str], already: tuple[str, ...] = ()) -> InterventionItem | None:
    """Asks for what no other item asks for: each gap's placeholder stands in the plan exactly once."""
    asked = {missing.placeholder for item in request.checklist for missing in item.gaps}.union(already)
    open_gaps = [missing.placeholder for missing in request.gaps if missing.placeholder not in asked]
    if not open_gaps:
        return None
    return InterventionItem(
        text=f"Ask the prescriber's office for what the order does not say: {', '.join(open_gaps)}.",
        when="before the first dose",
        by=PHARMACIST,
        addresses=(ids.get(EFFECT) or next(iter(ids.values())),),
        evidence=(MEDICATION,),
    )


def _counselling(guide: Guide, plan: Outline, ids: Mapping[str, str]) -> InterventionItem:
    return InterventionItem(
        text=f"Counsel the patient on {guide.drug.generic} with the handout, and have it told back: how it is given, what to "
        "watch for, when to call whom, what to do about a missed dose.",
        when="before the first dose, then at every refill",
        by=PHARMACIST,
        addresses=(ids[ADHERENCE],),
        evidence=plan.counselling,
    )


def _escalation(guide: Guide, plan: Outline, ids: Mapping[str, str]) -> InterventionItem:
    evidence: list[FactRef] = [guide.refs[plan.reaction.id]] if plan.reaction else []
    evidence += [guide.refs[fact.id] for fact in guide.boxed]
    addresses = [ids[f"boxed:{fact.id}"] for fact in guide.boxed if f"boxed:{fact.id}" in ids]
    return InterventionItem(
        text="Escalation: with signs of anaphylaxis stop the dose, give epinephrine by the site's protocol and call emergency "
        "care; with any threshold of the monitoring plan reached call the prescriber the same day and document it.",
        when="at once",
        by="whoever notices; the pharmacist follows up",
        addresses=tuple(addresses) or (ids.get(RISKS) or ids[EFFECT],),
        evidence=tuple(evidence) or plan.counselling[:1],
    )


def _follow_up(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> InterventionItem:
    day, said = follow_up(request, plan)
    effect = (guide.refs[plan.effect.id],) if plan.effect else ()
    return InterventionItem(
        text=f"Follow up with patient and prescriber by {day.isoformat()}: effect, adverse reactions, missed doses, open results; "
        "go through the goals and write down what changes.",
        when=f"by {day.isoformat()}",
        by=PHARMACIST,
        addresses=(ids[EFFECT],),
        evidence=(MEDICATION, *effect) if said is None else (MEDICATION, said, *effect),
    )
