"""From a model's answer to a care plan: evidence resolved, ids given, everything that is wrong said at once."""

from collections.abc import Iterable

from schemas.careplan import CarePlan, Citation, ProducedBy, Sections
from services.generator.domain.answer import Answer, BadAnswer
from services.generator.domain.evidence import FactRef, OrderField, RecordQuote, order_value
from services.generator.domain.guide import Guide
from services.generator.domain.request import PlanRequest

AnyEvidence = RecordQuote | FactRef | OrderField


def assemble(answer: Answer, request: PlanRequest, produced_by: ProducedBy) -> CarePlan:
    """The plan, with every quote at its place in the records. BadAnswer where a quote, a fact or an id does not exist,
    a section is empty or a checklist item is left out.
    """
    wrong: list[str] = []
    citations = _Citations(request, wrong)
    sections = _sections(answer, citations, wrong)
    _all_answered(answer, request, wrong)
    if wrong:
        raise BadAnswer(tuple(wrong))
    gaps = tuple(dict.fromkeys((*(missing.text for missing in request.gaps), *request.notes, *answer.gaps)))
    return CarePlan(
        sections=sections,
        gaps=gaps,
        handout=answer.handout,
        citations=citations.in_order(),
        produced_by=produced_by,
        text="",
    )


def _sections(answer: Answer, citations: "_Citations", wrong: list[str]) -> Sections:
    names = ("problem_list", "goals", "interventions", "monitoring")
    wrong.extend(f"{name}: this section is empty" for name in names if not getattr(answer, name))
    ids = {item.id: f"P{at}" for at, item in enumerate(answer.problem_list, 1)}
    if len(ids) < len(answer.problem_list):
        wrong.append("problem_list: an id is used twice")

    def known(addresses: tuple[str, ...], where: str, at: int) -> list[str]:
        found = [ids[a] for a in addresses if a in ids]
        if len(found) < len(addresses):
            wrong.append(f"{where}.{at}.addresses: there is no such problem")
        return found

    cite = citations.cite
    # One validation of the whole: a third of what making the items one by one costs.
    return Sections.model_validate({
        "problem_list": [{
            "id": f"P{at + 1}", "text": item.text, "category": item.category, "severity": item.severity,
            "medication": item.medication, "citations": cite(item.evidence, "problem_list", at),
        } for at, item in enumerate(answer.problem_list)],
        "goals": [{
            "id": f"G{at + 1}", "text": item.text, "measure": item.measure, "target": item.target, "due": item.due,
            "addresses": known(item.addresses, "goals", at), "citations": cite(item.evidence, "goals", at),
        } for at, item in enumerate(answer.goals)],
        "interventions": [{
            "id": f"I{at + 1}", "text": item.text, "when": item.when, "by": item.by,
            "addresses": known(item.addresses, "interventions", at), "citations": cite(item.evidence, "interventions", at),
        } for at, item in enumerate(answer.interventions)],
        "monitoring": [{
            "id": f"M{at + 1}", "text": item.text, "test": item.test, "first": item.first, "interval": item.interval,
            "threshold": item.threshold, "action": item.action, "responsible": item.responsible,
            "addresses": known(item.addresses, "monitoring", at), "citations": cite(item.evidence, "monitoring", at),
        } for at, item in enumerate(answer.monitoring)],
    })  # fmt: skip


def _all_answered(answer: Answer, request: PlanRequest, wrong: list[str]) -> None:
    answered = {item_id for problem in answer.problem_list for item_id in problem.checklist}
    expected = {item.id for item in request.checklist}
    wrong.extend(f"problem_list: checklist item {item_id} is not answered" for item_id in sorted(expected - answered))
    if answered - expected:
        wrong.append(f"problem_list: {len(answered - expected)} checklist ids do not exist")


class _Citations:
    """Gives each piece of evidence one id, however often it is used: R1 …, O1 …, K1 …"""

    def __init__(self, request: PlanRequest, wrong: list[str]) -> None:
        self._request = request
        self._guide = request.guide
        self._wrong = wrong
        self._records: dict[str, Citation] = {}
        self._fields: dict[str, Citation] = {}
        self._facts: list[Citation] = []
        self._fact_ids: dict[str, str] = {}

    def cite(self, evidence: Iterable[AnyEvidence], section: str, item: int) -> tuple[str, ...]:
        ids: dict[str, None] = {}
        facts = self._fact_ids
        for piece in evidence:
            # Most evidence is a fact, and most facts were cited before.
            if isinstance(piece, FactRef):
                known = facts.get(piece.fact_id) or self._fact(piece.fact_id)
            else:
                known = self._quote(piece.quote) if isinstance(piece, RecordQuote) else self._field(piece.field)
            if known is None:
                self._wrong.append(f"{section}.{item}.evidence: {_MISSING[piece.kind]}")
            else:
                ids[known] = None
        return tuple(ids)

    def in_order(self) -> tuple[Citation, ...]:
        return (*self._records.values(), *self._fields.values(), *self._facts)

    def _fact(self, fact_id: str) -> str | None:
        if self._guide is None or fact_id not in self._guide.by_id:
            return None
        citation = _of_fact(self._guide, fact_id, len(self._facts) + 1)
        self._facts.append(citation)
        self._fact_ids[fact_id] = citation.id
        return citation.id

    def _quote(self, quote: str) -> str | None:
        if quote in self._records:
            return self._records[quote].id
        start = self._request.order.patient_records.find(quote)
        if start < 0 or not quote.strip():
            return None
        number = f"R{len(self._records) + 1}"
        end = start + len(quote)
        self._records[quote] = Citation(
            id=number, kind="record", source="patient_records", quote=quote, start=start, end=end
        )
        return number

    def _field(self, field: str) -> str | None:
        if field in self._fields:
            return self._fields[field].id
        value = order_value(self._request.order, field)
        if value is None:
            return None
        number = f"O{len(self._fields) + 1}"
        self._fields[field] = Citation(id=number, kind="order", source=field, quote=value)
        return number


_MISSING = {
    "record": "this quote is not a verbatim part of the records",
    "knowledge": "there is no such fact among those given",
    "order": "there is no such field in the order, or nothing in it",
}


def _of_fact(guide: Guide, fact_id: str, number: int) -> Citation:
    # A drug has some forty facts, cited under numbers below that: few objects, shared by all its plans.
    key = (fact_id, number)
    made = guide.citations.get(key)
    if made is None:
        fact = guide.by_id[fact_id]
        made = guide.citations[key] = Citation(
            id=f"K{number}",
            kind="knowledge",
            source=f"{guide.drug.full_name}: {fact.source[0].lower()}{fact.source[1:]}",
            quote=fact.text,
            fact_id=fact_id,
        )
    return made
