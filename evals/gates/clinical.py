"""G5, G6, G7: allergies, boxed warnings and what is dangerous for this very patient."""

from evals.look import Look
from services.generator.domain.guards.safety import (
    allergies_are_named,
    boxed_warnings_are_addressed,
    findings_are_raised,
    no_daily_methotrexate,
    nothing_is_called_safe,
)


def allergies(look: Look) -> list[str]:
    """G5. Second opinion: also those that only the records tell of, in the words of the case."""
    reasons = allergies_are_named(look.guards)
    said = "\n".join(item.text for item in look.statements).casefold()
    known = (*look.case.order.patient.allergies, *look.case.allergies_in_records)
    return reasons + [
        f"allergy {number}: it is not dealt with" for number, a in enumerate(known, 1) if a.casefold() not in said
    ]


def boxed_warnings(look: Look) -> list[str]:
    """G6. Second opinion: the boxed warnings as the file has them, cited by a problem or a line of the monitoring."""
    sections = look.plan.sections
    warned = [*(p.citations for p in sections.problem_list), *(row.citations for row in sections.monitoring)]
    cited = {citation for citations in warned for citation in citations}
    addressed = {c.fact_id for c in look.plan.citations if c.id in cited}
    boxed = (fact.id for fact in look.facts if fact.kind == "boxed_warning")
    return boxed_warnings_are_addressed(look.guards) + [
        f"{fact_id}: this boxed warning is not addressed" for fact_id in boxed if fact_id not in addressed
    ]


def grave_findings(look: Look) -> list[str]:
    """G7. Second opinion: what the case was made for is a problem of severity high, and an action says what to do."""
    guards = look.guards
    reasons = findings_are_raised(guards) + no_daily_methotrexate(guards) + nothing_is_called_safe(guards)
    for planted in (expected for expected in look.case.expected_dtps if expected.planted):
        raised = [p for p in look.problems_with(planted.synonyms) if p.severity == "high"]
        if not raised:
            reasons.append(f"planted '{planted.id}': it is not raised as a problem of severity high")
            continue
        actions = "\n".join(step.text for problem in raised for step in look.actions_for(problem)).casefold()
        if not actions.strip():
            reasons.append(f"planted '{planted.id}': nothing is done about it")
        elif planted.action_says and not any(word.casefold() in actions for word in planted.action_says):
            reasons.append(f"planted '{planted.id}': no action says {' or '.join(planted.action_says)}")
    return reasons
