"""B4, B5, B7: goals that can be missed, actions that somebody can take, and every medicine taken at home."""

import re

from evals.dimensions.mark import Mark, mean
from evals.look import Look
from schemas.careplan import Goal

_VAGUE = re.compile(
    r"^\W*(?:improve[sd]?|better|reduce[sd]?|optimi[sz]e|maintain|stabili[sz]e|feel|adequate|good|well)\b[^\d]*$"
)
_VALUE_WITH_UNIT = re.compile(
    r"\d[\d,.]*\s*(?:%|[A-Za-z/µ]{1,}|$)|(?:below|above|under|over|at least|at most|[<>≤≥])\s*\d"
)
_LATEST_DAYS = 400
_COUNSELS = re.compile(r"\b(?:counsel|teach|explain|tell the patient|instruct|go through)", re.IGNORECASE)
_ESCALATES = re.compile(
    r"\b(?:escalat|emergency|911|same day|stop the (?:dose|infusion)|call the prescriber)", re.IGNORECASE
)


def goals(look: Look) -> Mark:
    """B4: measure, target with a value, due after the order and within a year or so, and a problem that exists; a fifth for
    goals on what the case was made for.
    """
    reasons: list[str] = []
    score = mean(_goal(look, goal, reasons) for goal in look.plan.sections.goals)
    aimed_at = {problem for goal in look.plan.sections.goals for problem in goal.addresses}
    covered = list[bool]()
    for planted in (expected for expected in look.case.expected_dtps if expected.planted):
        covered.append(any(problem.id in aimed_at for problem in look.problems_with(planted.synonyms)))
        if not covered[-1]:
            reasons.append(f"no goal is about '{planted.id}'")
    return Mark(0.8 * score + 0.2 * mean(covered, empty=1.0), tuple(reasons))


def _goal(look: Look, goal: Goal, reasons: list[str]) -> float:
    days = (goal.due - look.case.order.order_date).days
    problems = {problem.id for problem in look.plan.sections.problem_list}
    parts = {
        "no measure": bool(goal.measure.strip()),
        "a target without a value and its unit": bool(_VALUE_WITH_UNIT.search(goal.target))
        and not _VAGUE.match(goal.target.lower()),
        "a due date that is not after the order, or too far away": 0 < days <= _LATEST_DAYS,
        "no problem that it addresses": bool(goal.addresses) and problems.issuperset(goal.addresses),
    }
    lacking = [what for what, there in parts.items() if not there]
    reasons += [f"{goal.id}: {what}" for what in lacking]
    # "Improve symptoms" is no goal, whatever else stands beside it.
    return 0.0 if "a target without a value and its unit" in lacking else sum(parts.values()) / len(parts)


def interventions(look: Look) -> Mark:
    """B5: who, what, when, and for which problem; counselling and escalation among them; each grave problem acted on."""
    sections, reasons = look.plan.sections, list[str]()
    problems = {problem.id for problem in sections.problem_list}
    scores = []
    for step in sections.interventions:
        parts = (
            step.by.strip(),
            step.text.strip(),
            step.when.strip(),
            bool(step.addresses) and problems.issuperset(step.addresses),
        )
        scores.append(sum(map(bool, parts)) / len(parts))
        if not all(parts):
            reasons.append(f"{step.id}: who, what, when or the problem is missing")
    grave = [problem for problem in sections.problem_list if problem.severity == "high"]
    idle = [problem.id for problem in grave if not look.actions_for(problem)]
    reasons += [f"{problem_id}: nothing is done about this grave problem" for problem_id in idle]
    texts = [step.text for step in sections.interventions]
    has = {
        "counselling": any(_COUNSELS.search(text) for text in texts),
        "escalation": any(_ESCALATES.search(text) for text in texts),
    }
    reasons += [f"no {what}" for what, there in has.items() if not there]
    acted_on = 1 - len(idle) / len(grave) if grave else 1.0
    return Mark(0.6 * mean(scores) + 0.2 * acted_on + 0.1 * sum(has.values()), tuple(reasons))


def reconciliation(look: Look) -> Mark:
    """B7: each medicine of the history, and each that only the records name, in a problem or an intervention."""
    said = "\n".join(item.text for item in look.statements).casefold()
    names = [*(_name(entry) for entry in look.case.order.medication_history), *look.case.home_medicines_in_records]
    absent = [name for name in names if name.casefold() not in said]
    return Mark(
        mean((name not in absent for name in names), empty=1.0), tuple(f"{name} is not reconciled" for name in absent)
    )


def _name(entry: str) -> str:
    """Of "metoprolol succinate 50 mg daily" it is metoprolol succinate."""
    return re.split(r"\s+(?=\d)|\s*\(", entry.strip(), maxsplit=1)[0]
