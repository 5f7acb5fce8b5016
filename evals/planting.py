"""Changing a finished plan by hand."""

from collections.abc import Callable
from typing import TypeVar

from evals.cases import Case, ExpectedProblem
from evals.look import says
from schemas.careplan import CarePlan, Goal, Intervention, Monitoring, Problem, Sections
from schemas.readable import plan_text

Item = TypeVar("Item", Problem, Goal, Intervention, Monitoring)


def changed(plan: CarePlan, **sections: object) -> CarePlan:
    """The plan with these sections in place of its own."""
    new = plan.sections.model_copy(update=sections)
    return plan.model_copy(update={"sections": Sections.model_validate(new.model_dump())})


def reworded(plan: CarePlan, case: Case, old: str, new: str) -> CarePlan:
    """The plan as it reads, with `new` for `old`, whatever its sections say."""
    return plan.model_copy(update={"text_edited": True, "text": plan_text(plan, case.order).replace(old, new, 1)})


def each(items: tuple[Item, ...], which: Callable[[Item], bool], change: Callable[[Item], Item]) -> tuple[Item, ...]:
    return tuple(change(item) if which(item) else item for item in items)


def the_first(items: tuple[Item, ...], change: Callable[[Item], Item]) -> tuple[Item, ...]:
    return each(items, lambda item: item is items[0], change)


def add_to_first_action(plan: CarePlan, words: str) -> CarePlan:
    return changed(plan, interventions=the_first(
        plan.sections.interventions, lambda step: step.model_copy(update={"text": f"{step.text} {words}"})
    ))  # fmt: skip


def replaced(plan: CarePlan, case: Case, old: str, new: str) -> CarePlan:
    """`new` for `old` in every text of the sections; ValueError where `old` is nowhere."""
    dumped = plan.sections.model_dump_json()
    if old not in dumped:
        raise ValueError(f"'{old}' is not in the plan of {case.id}")
    return plan.model_copy(update={"sections": Sections.model_validate_json(dumped.replace(old, new))})


def planted(case: Case, name: str) -> ExpectedProblem:
    return next(expected for expected in case.expected_dtps if expected.id == name)


def is_about(expected: ExpectedProblem) -> Callable[[Problem], bool]:
    return lambda problem: says(f"{problem.text} {problem.medication or ''}", expected.synonyms)


def without_problem(plan: CarePlan, case: Case, name: str) -> CarePlan:
    """Nobody raises it, and nobody acts on it."""
    about = is_about(planted(case, name))
    gone = {problem.id for problem in plan.sections.problem_list if about(problem)}
    return changed(
        plan,
        problem_list=tuple(p for p in plan.sections.problem_list if p.id not in gone),
        **{
            section: tuple(i for i in getattr(plan.sections, section) if not i.addresses or set(i.addresses) - gone)
            for section in ("goals", "interventions", "monitoring")
        },
    )
