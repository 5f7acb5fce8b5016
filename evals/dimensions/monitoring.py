"""B6: the monitoring, held against the knowledge base's schedule for this drug and these diagnoses."""

import re

from evals.cases import facts
from evals.dimensions.mark import Mark, mean
from evals.figures import figures
from evals.look import Look, overlap
from knowledge.facts import Baseline
from knowledge.facts import Monitoring as MonitoringFact
from schemas.careplan import Monitoring

_TIME = re.compile(
    r"\d|\b(?:before|after|during|at|with|when|once|twice|every|each|daily|weekly|monthly|until|within|as|in|only|if)\b",
    re.IGNORECASE,
)
_NAMED = 0.6
_MUCH = 0.5


def monitoring(look: Look) -> Mark:
    """The mean over the key, times the share of lines that say when, at which result what is done, and by whom."""
    rows, reasons = look.plan.sections.monitoring, list[str]()
    usable = [row for row in rows if _usable(row)]
    reasons += [f"{row.id}: when, threshold, action or who is missing" for row in rows if row not in usable]
    if not look.case.expected_monitoring:
        return Mark(len(usable) / len(rows) if rows else 0.0, tuple(reasons))
    scores = []
    for fact_id in look.case.expected_monitoring:
        fact = facts().facts[fact_id]
        assert isinstance(fact, Baseline | MonitoringFact)
        score = _baseline(look, fact) if isinstance(fact, Baseline) else _scheduled(look, fact)
        scores.append(score)
        if score < 1:
            reasons.append(f"{fact_id}: {score:.0%} of the key")
    return Mark(mean(scores) * (len(usable) / len(rows) if rows else 0.0), tuple(reasons))


def _usable(row: Monitoring) -> bool:
    said = (row.threshold.strip(), row.action.strip(), row.responsible.strip())
    return all(said) and bool(_TIME.search(row.first)) and bool(_TIME.search(row.interval))


def _baseline(look: Look, fact: Baseline) -> float:
    """Named by a line that comes before the first dose, with what to do about it and who does it."""
    rows = look.plan.sections.monitoring
    row = next(
        (r for r in rows if "before" in r.first.lower() and overlap(fact.test, f"{r.test}\n{r.text}") >= _NAMED), None
    )
    return 0.0 if row is None else mean((True, bool(row.threshold and row.action), bool(row.responsible)))


def _scheduled(look: Look, fact: MonitoringFact) -> float:
    row = _row(look, fact)
    if row is None:
        return 0.0
    return mean((
        overlap(fact.test, f"{row.test}\n{row.text}") >= _NAMED,
        _agrees(fact.first, row.first),
        _agrees(fact.interval, row.interval),
        overlap(fact.threshold, row.threshold) >= _MUCH and overlap(fact.action, row.action) >= _MUCH,
        bool(row.responsible.strip()),
    ))  # fmt: skip


def _row(look: Look, fact: MonitoringFact) -> Monitoring | None:
    """The line that cites the fact, else the one that names its test."""
    cited = {c.id for c in look.plan.citations if c.fact_id == fact.id}
    rows = look.plan.sections.monitoring
    by_test = (row for row in rows if overlap(fact.test, row.test) >= _NAMED)
    return next((row for row in rows if cited.intersection(row.citations)), None) or next(by_test, None)


def _agrees(wanted: str, said: str) -> bool:
    """The same figures with the same units; where the key has none, that a time is said."""
    key = {(f.unit, f.value) for f in figures(wanted)}
    return key <= {(f.unit, f.value) for f in figures(said)} if key else bool(_TIME.search(said))
