"""Whether the plan has the form that a pharmacist can work with."""

import re
from collections.abc import Iterator

from schemas.careplan import DRAFT_BANNER
from schemas.readable import GOALS, INTERVENTIONS, MONITORING, PROBLEMS, REFERENCES, readable
from services.generator.domain.guards.look import Look
from services.generator.domain.reading import fold

_HEADINGS = tuple(f"\n{heading}\n" for heading in (PROBLEMS, GOALS, INTERVENTIONS, MONITORING, REFERENCES))
_PLACEHOLDER_END = " NOT PROVIDED]"
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{1,80} NOT PROVIDED\]")
_TIME = re.compile(
    r"\d|\b(?:before|after|during|at|with|when|once|every|each|daily|weekly|monthly|per|as|until|within|hourly|only|while|in)\b"
)


def sections_are_complete(look: Look) -> list[str]:
    """G1: the four sections, none empty, with their headings in the text in this order."""
    sections = look.plan.sections
    named = {
        "problem_list": sections.problem_list,
        "goals": sections.goals,
        "interventions": sections.interventions,
        "monitoring": sections.monitoring,
    }
    reasons = [f"{name}: this section is empty" for name, found in named.items() if not found]
    places = [look.text.find(heading) for heading in _HEADINGS]
    if -1 in places or places != sorted(places):
        reasons.append("text: a heading is missing or out of order")
    return reasons


def identity_is_exact(look: Look) -> list[str]:
    """G2: names, MRN, date of birth, provider, NPI, codes, medication and order date, exactly as ordered."""
    order, text = look.request.order, look.text
    patient, provider = order.patient, order.provider
    wanted = (
        ("patient's name", f"{patient.first_name} {patient.last_name}"),
        ("MRN", f"MRN {patient.mrn}"),
        ("date of birth", patient.date_of_birth.isoformat()),
        ("provider", provider.name),
        ("NPI", f"NPI {provider.npi}"),
        ("primary diagnosis", order.primary_diagnosis),
        ("medication", order.medication),
        ("order date", order.order_date.isoformat()),
        *(("additional diagnosis", code) for code in order.additional_diagnoses),
    )
    head = text[: text.find(_HEADINGS[0])]
    return [f"text: the {name} is not as ordered" for name, value in wanted if value not in head]


def gaps_have_placeholders(look: Look) -> list[str]:
    """G11: what is missing is said once where it is missing and once among the gaps; nothing else is called missing."""
    plan, gaps = look.plan, look.request.gaps
    sections = plan.sections
    said = "\n".join([i.text for s in (sections.problem_list, sections.interventions, sections.monitoring) for i in s])
    reasons = [
        f"gaps: the gap of {missing.placeholder} is missing" for missing in gaps if missing.text not in plan.gaps
    ]
    counted = {missing.placeholder: said.count(missing.placeholder) for missing in gaps}
    if said.count(_PLACEHOLDER_END) == len(gaps) and all(times == 1 for times in counted.values()):
        return reasons
    # Somebody else's text may hold the same words; what it says is not ours to count.
    theirs = fold(f"{look.ordered}\n{look.request.order.patient_records}")
    reasons += [
        f"sections: {placeholder} stands {times} times, not once"
        for placeholder, times in counted.items()
        if times == 0 or (times > 1 and fold(placeholder) not in theirs)
    ]
    if said.count(_PLACEHOLDER_END) > len(gaps) and fold(_PLACEHOLDER_END) not in theirs:
        reasons.append("sections: a placeholder that no gap explains, or one too many")
    return reasons


def placeholders_are_explained(look: Look) -> list[str]:
    """G11, for a plan under review: a pharmacist may replace a placeholder by what was missing, but not invent one."""
    known = {missing.placeholder for missing in look.request.gaps}
    theirs = fold(f"{look.ordered}\n{look.request.order.patient_records}")
    return [
        f"{where}: a placeholder that no gap explains"
        for where, text in look.own
        if any(found not in known and fold(found) not in theirs for found in _PLACEHOLDER.findall(text))
    ]


def is_a_draft(look: Look) -> list[str]:
    """G12: it reads as a draft until a pharmacist approves it, and says so only there."""
    if DRAFT_BANNER in look.text:
        return ["text: the draft banner is added later"]
    shown = readable(look.plan, look.request.order, "draft")
    return [] if shown.startswith(DRAFT_BANNER) else ["text: the draft banner is missing"]


def goals_can_be_missed(look: Look) -> list[str]:
    """B4: a target with a figure, a date after the order, and a problem that it answers."""
    return list(_goals(look))


def _goals(look: Look) -> Iterator[str]:
    for goal in look.plan.sections.goals:
        if not any(character.isdigit() for character in goal.target):
            yield f"{goal.id}: the target has no figure"
        if goal.due <= look.request.order_date:
            yield f"{goal.id}: the due date is not after the order date"
        if not goal.addresses:
            yield f"{goal.id}: it addresses no problem"


def monitoring_has_times(look: Look) -> list[str]:
    """B6: when first, how often, at which result something is done, and who does it."""
    reasons = []
    for row in look.plan.sections.monitoring:
        if not _TIME.search(row.first.lower()):
            reasons.append(f"{row.id}: it does not say when first")
        if not _TIME.search(row.interval.lower()):
            reasons.append(f"{row.id}: it does not say how often")
        if not (row.threshold.strip() and row.action.strip() and row.responsible.strip()):
            reasons.append(f"{row.id}: threshold, action or who is responsible is missing")
    return reasons
