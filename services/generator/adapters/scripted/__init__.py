"""A language model that is none: it writes the plan from the facts and the checklist, by rule, offline and at once.

For tests, demonstrations, and pharmacies that want no model. Every statement comes from the knowledge base, the order
or the records; nothing is remembered of a patient.
"""

from collections.abc import Sequence

from services.generator.adapters.model import ModelAnswer
from services.generator.adapters.scripted.goals import goals
from services.generator.adapters.scripted.handout import handout
from services.generator.adapters.scripted.interventions import interventions
from services.generator.adapters.scripted.outline import outline
from services.generator.adapters.scripted.problems import problems
from services.generator.adapters.scripted.rows import rows
from services.generator.adapters.scripted.unknown import unknown_drug
from services.generator.domain.answer import Answer
from services.generator.domain.request import PlanRequest


class Scripted:
    provider = "scripted"
    model = "scripted-1"
    prompt_version = "scripted.v1"
    billed = False

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:  # noqa: ARG002 (part of the Protocol)
        """The same request gives the same answer; complaints change nothing."""
        return ModelAnswer(
            "", self.model, written=scripted_answer(request), provider=self.provider, prompt_version=self.prompt_version
        )


def scripted_answer(request: PlanRequest) -> Answer:
    guide = request.guide
    if guide is None:
        return unknown_drug(request)
    plan = outline(guide)
    listed = problems(request, guide, plan)
    ids = {item_id: problem.id for problem in listed for item_id in problem.checklist or (problem.id,)}
    return Answer(
        problem_list=tuple(listed),
        goals=tuple(goals(request, guide, plan, ids)),
        interventions=tuple(interventions(request, guide, plan, ids)),
        monitoring=tuple(rows(request, guide, plan, ids)),
        gaps=(),
        handout=handout(request, guide, plan),
    )
