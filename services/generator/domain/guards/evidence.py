"""Whether every statement can be looked up, and is there when somebody does."""

from schemas.careplan import Citation
from services.generator.domain.evidence import order_value
from services.generator.domain.guards.look import Look
from services.generator.domain.request import PlanRequest


def citations_hold(look: Look) -> list[str]:
    """G8: each citation says what stands there, and each id that an item cites exists."""
    plan, request = look.plan, look.request
    reasons = [f"{c.id}: the cited text is not there" for c in plan.citations if not _holds(c, request)]
    return reasons + cited_items_exist(look)


def cited_items_exist(look: Look) -> list[str]:
    """G8: each id that an item cites is one of the plan's citations."""
    known = {citation.id for citation in look.plan.citations}
    return [f"{item.id}: it cites what does not exist" for item in look.items if not known.issuperset(item.citations)]


def _holds(citation: Citation, request: PlanRequest) -> bool:
    if citation.kind == "record":
        return request.order.patient_records[citation.start : citation.end] == citation.quote
    if citation.kind == "order":
        return order_value(request.order, citation.source) == citation.quote
    fact = request.guide.by_id.get(citation.fact_id or "") if request.guide else None
    return fact is not None and fact.text == citation.quote


def facts_are_cited(look: Look) -> list[str]:
    """G8: problems, interventions and monitoring each have evidence; what is monitored comes from a fact of the drug."""
    reasons = [f"{item.id}: it has no evidence" for item in look.statements if not item.citations]
    if look.request.guide is None:
        return reasons
    facts = {citation.id for citation in look.plan.citations if citation.kind == "knowledge"}
    rows = look.plan.sections.monitoring
    return reasons + [f"{row.id}: it cites no fact of the drug" for row in rows if facts.isdisjoint(row.citations)]
