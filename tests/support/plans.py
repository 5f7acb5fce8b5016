"""Plans for tests: written by `scripted`, from an order to the finished thing."""

from functools import lru_cache
from typing import Any

import knowledge
from knowledge.base import KnowledgeBase
from schemas.careplan import CarePlan, ProducedBy
from schemas.order import Order
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.assemble import assemble
from services.generator.domain.checklist import ChecklistItem
from services.generator.domain.guards import violations
from services.generator.domain.request import PlanRequest, plan_request
from tests.support.clinical_orders import order

PRODUCED_BY = ProducedBy(
    provider="scripted", model="scripted-1", prompt_version="scripted.v1", knowledge_version="test"
)


@lru_cache(maxsize=1)
def facts() -> KnowledgeBase:
    return knowledge.load()


def request_for(an_order: Order | None = None, **changes: Any) -> PlanRequest:
    return plan_request(an_order or order(**changes), facts())


def plan_for(request: PlanRequest) -> CarePlan:
    return assemble(scripted_answer(request), request, PRODUCED_BY)


def complaints(plan: CarePlan, request: PlanRequest) -> list[str]:
    return violations(plan, request, wording=True)


def found(**changes: Any) -> dict[str, ChecklistItem]:
    """The checklist of an order, by id."""
    return {item.id: item for item in request_for(**changes).checklist}
