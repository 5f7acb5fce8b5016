"""The gates that a plan has to pass before anybody sees it. Any reason means that it is not shown.

Named after the rubric's hard gates G1-G12, and the forms (B3-B6) without which a plan cannot be worked with. Reasons
go back to the model: they say what is wrong and where, and hold nothing of the patient's.
"""

from collections.abc import Callable

from schemas.careplan import CarePlan
from services.generator.domain.guards.evidence import citations_hold, facts_are_cited
from services.generator.domain.guards.form import (
    gaps_have_placeholders,
    goals_can_be_missed,
    identity_is_exact,
    is_a_draft,
    monitoring_has_times,
    sections_are_complete,
)
from services.generator.domain.guards.look import Look
from services.generator.domain.guards.safety import (
    allergies_are_named,
    boxed_warnings_are_addressed,
    findings_are_raised,
    no_daily_methotrexate,
    nothing_is_called_safe,
)
from services.generator.domain.guards.support import (
    arithmetic_is_right,
    codes_are_the_orders,
    names_are_known,
    nothing_leaks,
    numbers_are_supported,
)
from services.generator.domain.request import PlanRequest

Guard = Callable[[Look], list[str]]

CONTENT: tuple[Guard, ...] = (
    allergies_are_named,           # G5
    boxed_warnings_are_addressed,  # G6
    findings_are_raised,           # G7
    facts_are_cited,               # G8
    gaps_have_placeholders,        # G11
    goals_can_be_missed,           # B4
    monitoring_has_times,          # B6
)  # fmt: skip
WORDING: tuple[Guard, ...] = (
    sections_are_complete,         # G1
    identity_is_exact,             # G2
    codes_are_the_orders,          # G2
    numbers_are_supported,         # G3
    arithmetic_is_right,           # G4
    no_daily_methotrexate,         # G7
    nothing_is_called_safe,        # G7
    citations_hold,                # G8
    names_are_known,               # G9
    nothing_leaks,                 # G10
    is_a_draft,                    # G12
)  # fmt: skip
GUARDS = CONTENT + WORDING


def violations(plan: CarePlan, request: PlanRequest, *, wording: bool | None = None) -> list[str]:
    """Everything that is wrong with the plan; empty where it may be shown.

    The words of `scripted` are code's own, put together from facts and quotes, and the tests hold them to all guards
    for every drug. Reading them word by word for each order would cost more than writing them: by default it is left out.
    """
    if wording is None:
        wording = plan.produced_by.provider != "scripted"
    look = Look(plan, request)
    return [reason for guard in (GUARDS if wording else CONTENT) for reason in guard(look)]


__all__ = ["CONTENT", "GUARDS", "WORDING", "Guard", "Look", "violations"]
