"""The monitoring plan: the baseline, then the knowledge base's schedule with this order's dates."""

from collections.abc import Iterator, Mapping

from services.generator.adapters.scripted.outline import Outline
from services.generator.adapters.scripted.problems import EFFECT, RISKS, on_file, quoted
from services.generator.domain.answer import MonitoringItem
from services.generator.domain.evidence import Evidence, RecordQuote
from services.generator.domain.guide import Guide
from services.generator.domain.monitoring import Visit
from services.generator.domain.request import PlanRequest


def rows(request: PlanRequest, guide: Guide, plan: Outline, ids: Mapping[str, str]) -> Iterator[MonitoringItem]:
    if request.baselines:
        yield _baseline(request, guide, ids)
    for visit in request.calendar:
        yield _row(request, guide, plan, visit, ids)


def _baseline(request: PlanRequest, guide: Guide, ids: Mapping[str, str]) -> MonitoringItem:
    found, missing, evidence = [], [], list[Evidence]()
    stops = [f.fact.do_not_start for f in request.baselines if f.fact.do_not_start]
    for result in request.baselines:
        evidence.append(guide.refs[result.fact.id])
        if result.evidence is None:
            missing.append(result.fact.test)
            continue
        evidence.append(result.evidence)
        said = f" {quoted((result.evidence,))}" if isinstance(result.evidence, RecordQuote) else ""
        found.append(f"{result.fact.test}{said}")
    text = "Baseline before the first dose."
    if found:
        text += f" On file: {'; '.join(found)}."
    if missing:
        text += f" Still to come: {'; '.join(missing)}."
    addresses = tuple(ids[i.id] for i in request.checklist if i.id.startswith(("missing:", "positive:")))
    return MonitoringItem(
        text=text,
        test="; ".join(result.fact.test for result in request.baselines),
        first="before dose 1",
        interval="once, before the first dose; the later intervals follow below",
        threshold="; ".join(stops) or "a result that is missing, or outside the laboratory's normal range",
        action="Do not release the first dose before the prescriber has decided.",
        responsible="pharmacist",
        addresses=addresses or (ids.get(RISKS) or ids[EFFECT],),
        evidence=tuple(evidence),
    )


def _row(request: PlanRequest, guide: Guide, plan: Outline, visit: Visit, ids: Mapping[str, str]) -> MonitoringItem:
    fact = visit.fact
    quotes = on_file(request, plan.on_file_for.get(fact.id, ()))
    known = f" On file: {quoted(quotes)}." if quotes else ""
    return MonitoringItem(
        text=f"{fact.text}{visit.planned}{known}",
        test=fact.test,
        first=visit.first,
        interval=fact.interval,
        threshold=fact.threshold,
        action=fact.action,
        responsible=fact.responsible,
        addresses=_addresses(plan, fact.id, ids),
        evidence=(guide.refs[fact.id], *quotes),
    )


def _addresses(plan: Outline, fact_id: str, ids: Mapping[str, str]) -> tuple[str, ...]:
    if plan.effect is not None and plan.effect.id == fact_id:
        return (ids[EFFECT],)
    found = tuple([ids[f"boxed:{boxed}"] for boxed, monitors in plan.followed_by.items() if fact_id in monitors])
    return found or (ids.get(RISKS) or ids[EFFECT],)
