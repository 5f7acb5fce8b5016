"""Whether the plan deals with everything that code knows to be dangerous here."""

import re

from services.generator.domain.checklist import ChecklistItem
from services.generator.domain.evidence import FactRef, OrderField, RecordQuote
from services.generator.domain.guards.look import Key, Look
from services.generator.domain.reading import fold

_DAILY = re.compile(r"\bmethotrexate\b[^.;\n]{0,40}?\b(?:daily|every day|once a day|per day|a day|qd|bid)\b")
_SAFE = re.compile(
    r"\b(?:is|are|be|considered|appears) (?:\w+ )?safe\b|\bsafe to\b|\bno (?:known )?contraindication|\bnot contraindicated\b|"
    r"\bno (?:clinically |relevant |known )*(?:interaction|risk|concern)s?\b (?:with|of|for)|\bcan be (?:given|started|continued) safely\b"
)


def allergies_are_named(look: Look) -> list[str]:
    """G5: each recorded allergy stands, as recorded, in a problem or an intervention."""
    allergies = look.request.case.allergies
    said = [fold(item.text) for item in look.statements] if allergies else []
    return [
        f"patient.allergies.{allergy.index}: this allergy is not dealt with"
        for allergy in allergies
        if not any(fold(allergy.text) in text for text in said)
    ]


def boxed_warnings_are_addressed(look: Look) -> list[str]:
    """G6: each boxed warning is cited by a problem or a line of the monitoring."""
    guide = look.request.guide
    if guide is None or not guide.boxed:
        return []
    problems, rows = look.plan.sections.problem_list, look.plan.sections.monitoring
    cited = {look.key_of.get(c) for p in problems for c in p.citations} | {
        look.key_of.get(c) for r in rows for c in r.citations
    }
    return [f"{f.id}: this boxed warning is not addressed" for f in guide.boxed if ("knowledge", f.id) not in cited]


_GENERAL = frozenset(
    ("order", name) for name in ("medication", "primary_diagnosis", "patient.date_of_birth", "patient.sex")
)


def findings_are_raised(look: Look) -> list[str]:
    """G7: each grave finding of the checklist is a problem of severity high, by its evidence, with something to be done."""
    plan, key_of = look.plan, look.key_of
    acted_on = {problem for item in plan.sections.interventions for problem in item.addresses}
    raised = [
        ({key_of[c] for c in problem.citations if c in key_of}, problem.id in acted_on)
        for problem in plan.sections.problem_list
        if problem.severity == "high"
    ]
    reasons = []
    for item in look.request.checklist:
        if item.severity != "high":
            continue
        every = {_key(piece) for piece in item.evidence}
        # What any problem may cite tells nobody which finding is meant, as long as there is more to go by.
        wanted = every - _GENERAL or every
        answers = [acted for keys, acted in raised if wanted & keys]
        if not answers:
            reasons.append(f"{item.id}: this finding is not raised as a problem of severity high")
        elif not any(answers):
            reasons.append(f"{item.id}: no intervention addresses the problem that raises it")
    return reasons


def _key(piece: RecordQuote | FactRef | OrderField) -> Key:
    if isinstance(piece, FactRef):
        return ("knowledge", piece.fact_id)
    return ("record", piece.quote) if isinstance(piece, RecordQuote) else ("order", piece.field)


def no_daily_methotrexate(look: Look) -> list[str]:
    """G7: weekly methotrexate is never called a daily drug; where the order does, only the finding may repeat it."""
    if "methotrexate" not in look.low or _DAILY.search(look.ordered):
        return []
    return [f"{where}: methotrexate is called daily" for where, text in look.own if _DAILY.search(fold(text))]


_SPEAKS_AGAINST = ("condition:", "interaction:", "allergy:", "positive:", "duplicate:", "mg:", "mention:", "pregnancy")


def nothing_is_called_safe(look: Look) -> list[str]:
    """G7: what cites the evidence of a grave finding does not at the same time call it safe."""
    grave = [i for i in look.request.checklist if i.severity == "high" and i.id.startswith(_SPEAKS_AGAINST)]
    if not grave or not _SAFE.search(look.low):
        return []
    key_of = look.key_of
    names = {fold(i.medication) for i in grave if i.medication and len(i.medication) > 3}
    reasons = []
    for item in look.statements:
        text = fold(item.text)
        if not _SAFE.search(text):
            continue
        cited = {key_of[c] for c in item.citations if c in key_of}
        if any(cited & _keys(finding) for finding in grave) or any(name in text for name in names):
            reasons.append(f"{item.id}: it calls safe what the checklist found dangerous")
    return reasons


def _keys(item: ChecklistItem) -> set[Key]:
    return {_key(piece) for piece in item.evidence}
