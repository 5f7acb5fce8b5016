"""A plan under inspection: what it says, gathered once for all guards."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schemas.careplan import CarePlan, Goal, Intervention, Monitoring, Problem
from schemas.readable import plan_text
from services.generator.domain.reading import fold
from services.generator.domain.request import PlanRequest

Key = tuple[str, str]
Text = tuple[str, str]
"""Where it stands ("P1", "handout"), and what it says."""


@dataclass(frozen=True)
class Look:
    plan: CarePlan
    request: PlanRequest
    given_too: str = ""
    """What somebody has answered for beside the order and the facts: the notes of a pharmacist's revisions."""
    read_before: frozenset[str] = frozenset()
    """Texts that need no second look."""

    @cached_property
    def text(self) -> str:
        """The plan as it is read, the identity on top."""
        return plan_text(self.plan, self.request.order)

    @cached_property
    def texts(self) -> list[Text]:
        """Every text of the sections and the handout."""
        return list(_texts(self.plan))

    @staticmethod
    def texts_of(plan: CarePlan) -> list[Text]:
        return list(_texts(plan))

    @property
    def statements(self) -> tuple[Problem | Intervention, ...]:
        return (*self.plan.sections.problem_list, *self.plan.sections.interventions)

    @property
    def items(self) -> tuple[Problem | Goal | Intervention | Monitoring, ...]:
        sections = self.plan.sections
        return (*self.statements, *sections.goals, *sections.monitoring)

    @cached_property
    def own(self) -> list[Text]:
        """Without what stands word for word in a fact: that needs no second look."""
        guide = self.request.guide
        verbatim = guide.verbatim if guide else frozenset[str]()
        if self.read_before:
            verbatim |= self.read_before
        return [text for text in self.texts if text[1] not in verbatim]

    @cached_property
    def own_words(self) -> str:
        # A line for each, so that nothing is read across two of them.
        return "\n".join([text for _, text in self.own])

    @cached_property
    def low(self) -> str:
        """`own_words` in lower case, position by position."""
        return fold(self.own_words)

    @cached_property
    def ordered(self) -> str:
        """What the order says beside its records, in lower case."""
        order = self.request.order
        return fold("\n".join((
            order.medication, order.primary_diagnosis, *order.additional_diagnoses, *order.medication_history,
            *order.patient.allergies,
        )))  # fmt: skip

    @cached_property
    def given(self) -> str:
        """What somebody said beside the records, in lower case."""
        return f"{self.ordered}\n{fold(self.given_too)}" if self.given_too else self.ordered

    @cached_property
    def key_of(self) -> dict[str, Key]:
        """Citation id to what is cited, in the same terms as `Evidence`."""
        return {
            c.id: ("knowledge", c.fact_id or "") if c.kind == "knowledge"
            else ("record", c.quote) if c.kind == "record" else ("order", c.source)
            for c in self.plan.citations
        }  # fmt: skip


def _texts(plan: CarePlan) -> Iterator[Text]:
    sections = plan.sections
    for problem in sections.problem_list:
        yield problem.id, problem.text
        if problem.medication is not None:
            yield problem.id, problem.medication
    for goal in sections.goals:
        yield goal.id, goal.text
        yield goal.id, goal.measure
        yield goal.id, goal.target
    for step in sections.interventions:
        yield step.id, step.text
        yield step.id, step.when
        yield step.id, step.by
    for row in sections.monitoring:
        yield row.id, row.text
        yield row.id, row.test
        yield row.id, row.first
        yield row.id, row.interval
        yield row.id, row.threshold
        yield row.id, row.action
        yield row.id, row.responsible
    for line in plan.handout.split("\n"):
        yield "handout", line.removeprefix("- ")
