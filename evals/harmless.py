"""Changes that leave a plan as right as it was: a gate that fails after one of them raises a false alarm."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from evals.cases import Case, facts
from evals.grade import grade
from evals.planting import add_to_first_action, changed
from schemas.careplan import CarePlan, Citation

Harmless = Callable[[CarePlan, Case], CarePlan]


def _as_it_is(plan: CarePlan, _: Case) -> CarePlan:
    return plan


def _other_words(plan: CarePlan, _: Case) -> CarePlan:
    return add_to_first_action(plan, "Write down what the prescriber answers, and who said it.")


def _other_order(plan: CarePlan, _: Case) -> CarePlan:
    return changed(plan, interventions=plan.sections.interventions[::-1], goals=plan.sections.goals[::-1])


def _weight_repeated(plan: CarePlan, case: Case) -> CarePlan:
    kg = case.order.patient.weight_kg
    return plan if kg is None else add_to_first_action(plan, f"Weight on the order: {kg:g} kg ({kg * 2.20462:.0f} lb).")


def _brand_named(plan: CarePlan, case: Case) -> CarePlan:
    drug = next((drug for drug in facts().drugs if drug.id == case.drug), None)
    return plan if drug is None else add_to_first_action(plan, f"A brand of it is {drug.brands[0]}.")


def _record_quoted(plan: CarePlan, case: Case) -> CarePlan:
    """The first line of the records, which no case gives to a machine."""
    quote = case.order.patient_records.split("\n")[0]
    cited = Citation(id="R90", kind="record", source="patient_records", quote=quote, start=0, end=len(quote))
    first = plan.sections.problem_list[0]
    text = f'{first.text} The records begin: "{quote}"'
    problem = first.model_copy(update={"text": text, "citations": (*first.citations, "R90")})
    longer = plan.model_copy(update={"citations": (cited, *plan.citations)})
    return changed(longer, problem_list=(problem, *plan.sections.problem_list[1:]))


def _rescue_named(plan: CarePlan, _: Case) -> CarePlan:
    return add_to_first_action(plan, "Have epinephrine at hand.")


HARMLESS: tuple[Harmless, ...] = (
    _as_it_is, _other_words, _other_order, _weight_repeated, _brand_named, _record_quoted, _rescue_named,
)  # fmt: skip


def false_alarms(plans: Mapping[str, CarePlan], cases: Sequence[Case]) -> tuple[int, list[str]]:
    """How many plans were looked at, and what was raised without a reason. Plans that fail a gate as they are do not count."""
    alarms, looked_at = list[str](), 0
    for case in cases:
        if case.id in plans and not grade(plans[case.id], case).failed:
            looked_at += len(HARMLESS)
            alarms += _alarms(plans[case.id], case)
    return looked_at, alarms


def _alarms(plan: CarePlan, case: Case) -> Iterator[str]:
    for change in HARMLESS:
        failed = grade(change(plan, case), case).gates
        reasons = [f"{name}: {reason}" for name, found in failed.items() for reason in found]
        if reasons:
            yield f"{case.id}, {change.__name__.strip('_').replace('_', ' ')}: {reasons[0]}"
