"""The monitoring calendar: the knowledge base's schedule with real dates, counted from the order date."""

from dataclasses import dataclass
from datetime import date, timedelta

from knowledge.facts import Monitoring
from services.generator.domain.guide import Guide

_MOST_DAYS_REMEMBERED = 40


@dataclass(frozen=True, slots=True)
class Visit:
    """One line of the schedule: `on` is the first date, `again` the one after it; None where the label gives no days."""

    fact: Monitoring
    on: date | None
    again: date | None


def calendar(guide: Guide | None, start: date) -> tuple[Visit, ...]:
    """In the order of the knowledge base. The same for all orders of a day for a drug, so it is made once."""
    if guide is None:
        return ()
    known = guide.memo.get(("calendar", start))
    if isinstance(known, tuple):
        return known
    if len(guide.memo) > _MOST_DAYS_REMEMBERED:
        guide.memo.clear()
    made = tuple(_visit(fact, start) for fact in guide.monitoring)
    guide.memo["calendar", start] = made
    return made


def _visit(fact: Monitoring, start: date) -> Visit:
    on = None if fact.days_after_start is None else start + timedelta(days=fact.days_after_start)
    again = on + timedelta(days=fact.every_days) if on is not None and fact.every_days else None
    return Visit(fact, on, again)
