"""The monitoring calendar: the knowledge base's schedule with real dates, counted from the order date."""

from dataclasses import dataclass
from datetime import date, timedelta

from knowledge.facts import Monitoring
from services.generator.domain.guide import Guide

_MOST_DAYS_REMEMBERED = 40


# Where the first check is at or before the first dose, a later day is that of the next one.
_AT_THE_START = ("before", "during the first", "with the first", "at the first", "after the first injection")


@dataclass(frozen=True, slots=True)
class Visit:
    """One line of the schedule: `on` is the first date, `again` the one after it; None where the label gives no days."""

    fact: Monitoring
    on: date | None
    again: date | None

    @property
    def first(self) -> str:
        late = self.fact.days_after_start and self.fact.first.startswith(_AT_THE_START)
        return self.fact.first if self.on is None or late else f"{self.fact.first} ({self.on.isoformat()})"

    @property
    def planned(self) -> str:
        """What to add to the fact's sentence: the dates that `first` does not say."""
        if self.on is None or (self.again is None and "(" in self.first):
            return ""
        then = f", then {self.again.isoformat()}" if self.again else ""
        return f" Planned: {self.on.isoformat()}{then}."


def calendar(guide: Guide | None, start: date) -> tuple[Visit, ...]:
    """In the order of the knowledge base. The same for all orders of a day for a drug, so it is made once."""
    if guide is None:
        return ()
    known = guide.memo.get(("calendar", start))
    if isinstance(known, tuple):
        return known
    if len(guide.memo) > _MOST_DAYS_REMEMBERED:
        guide.memo.clear()
    made = tuple(_visit(fact, start, _course_days(guide)) for fact in guide.monitoring)
    guide.memo["calendar", start] = made
    return made


def _course_days(guide: Guide) -> int:
    """How long a course lasts beyond its first day: what comes "after the course" counts from its end."""
    return max((max(step.on_days) for rule in guide.doses for step in rule.steps if step.divided_over_days), default=0)


def _visit(fact: Monitoring, start: date, course_days: int) -> Visit:
    days = fact.days_after_start
    if days and "after the course" in fact.interval:
        days += course_days
    on = None if days is None else start + timedelta(days=days)
    again = on + timedelta(days=fact.every_days) if on is not None and fact.every_days else None
    return Visit(fact, on, again)
