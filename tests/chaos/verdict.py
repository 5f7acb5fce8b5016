"""The verdict: pure, from what the people outside were told, what the API says at the end, and the model's bill."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from tests.chaos.evidence import Evidence
from tests.chaos.model import USABLE, Call
from tests.chaos.system import Disturbance
from tests.chaos.traffic import Submission

Charge = Literal[
    "lost", "duplicated", "stuck", "double-billed", "moved wrongly", "decided wrongly", "answered wrongly", "died"
]
CHARGES: tuple[Charge, ...] = get_args(Charge)
TIME_MAY_TELL: frozenset[Charge] = frozenset({"lost", "stuck"})
"""What may only be late: reporting follows a moment behind."""

_MOST_BILLED_TRIES = 3
_GRACE_SECONDS = 5.0
"""A blow that comes so soon after the model's answer may still have kept it from being written down."""
_AFTER_THE_END_SECONDS = 1.0
_MOVES = {
    None: {"pending"},
    "pending": {"processing", "needs_confirmation", "rejected"},
    "needs_confirmation": {"pending", "processing", "rejected"},
    "processing": {"completed", "failed"},
    "failed": {"processing"},
    "completed": set[str](),
    "rejected": set[str](),
}


@dataclass(frozen=True, slots=True)
class Violation:
    charge: Charge
    what: str
    case: int | None = None
    order_id: str | None = None


@dataclass(frozen=True)
class Trial:
    """Everything that a verdict rests on. `clock_offset`: wall clock minus monotonic clock."""

    submissions: Sequence[Submission]
    evidence: Evidence
    calls: Sequence[Call]
    disturbances: Sequence[Disturbance]
    clock_offset: float
    away: Sequence[float] = ()
    """When intake answered 503."""
    dead: Sequence[str] = ()
    """Processes that nobody killed, and that were gone at the end."""


def verdict(trial: Trial) -> list[Violation]:
    return [
        *_lost(trial),
        *_duplicated(trial),
        *_stuck(trial),
        *_double_billed(trial),
        *_moved_wrongly(trial),
        *_decided_wrongly(trial),
        *_answered_wrongly(trial),
        *(Violation("died", f"{part} ended by itself") for part in trial.dead),
    ]


# ── lost, duplicated, stuck ────────────────────────────────────────────────────────────────────────────────────


def _lost(trial: Trial) -> Iterator[Violation]:
    """An order that somebody holds an id for is there, as it was sent, and everybody who reads events knows it."""
    evidence = trial.evidence
    for case, order_id in _orders(trial):
        shown, found = evidence.shown.get(order_id), evidence.found.get(order_id)
        if shown is None:
            yield Violation("lost", "answered with this id, and GET knows no such order", case.number, order_id)
        elif _case_in(shown) != case.number:
            yield Violation("lost", "the order's records are not those that were sent", case.number, order_id)
        elif found is None:
            yield Violation("lost", "search does not find it", case.number, order_id)
        elif found["status"] != shown["status"]:
            said = f"search says {found['status']}, GET says {shown['status']}"
            yield Violation("lost", said, case.number, order_id)
        elif shown["careplan"] and evidence.plans.get(shown["careplan"]["careplan_id"]) is None:
            yield Violation("lost", "reporting does not know its care plan", case.number, order_id)
        elif shown["status"] == "completed" and order_id not in evidence.reported:
            yield Violation("lost", "the report has no row for it", case.number, order_id)


def _duplicated(trial: Trial) -> Iterator[Violation]:
    yield from _orders_too_many(trial)
    yield from _accepted_twice(trial)
    evidence = trial.evidence
    for order_id in evidence.found_twice:
        yield Violation("duplicated", "search shows it twice", order_id=order_id)
    for order_id, rows in Counter(evidence.reported).items():
        if rows > 1:
            yield Violation("duplicated", f"the report has {rows} rows for it", order_id=order_id)
    for careplan_id, plan in evidence.plans.items():
        shown = evidence.shown.get(plan["order_id"]) if plan else None
        current = shown["careplan"]["careplan_id"] if shown and shown["careplan"] else None
        if plan and (current not in (careplan_id, None) or len(plan["versions"]) > 1):
            said = f"care plan {careplan_id} has {len(plan['versions'])} versions; the order shows {current}"
            yield Violation("duplicated", said, order_id=plan["order_id"])


def _orders_too_many(trial: Trial) -> Iterator[Violation]:
    """One key, one order; without a key, one order a post at most."""
    orders_of = Counter(_case_in(shown) for shown in trial.evidence.shown.values() if shown)
    for submission in trial.submissions:
        case, orders = submission.case, orders_of.pop(submission.case.number, 0)
        most = 0 if case.expected == "refused" else 1
        if orders > most or len(submission.order_ids) > most:
            ids = ", ".join(sorted(submission.order_ids))
            said = f"{orders} orders for one {'key' if case.key else 'post'}; answered: {ids}"
            yield Violation("duplicated", said, case.number)
    for number, orders in orders_of.items():
        yield Violation("duplicated", f"{orders} orders that nobody sent", number)


def _accepted_twice(trial: Trial) -> Iterator[Violation]:
    """Of orders that are equal to the rules, one is accepted."""
    groups: dict[int, set[int]] = defaultdict(set)
    for submission in trial.submissions:
        groups[submission.case.group].add(submission.case.number)
    for group, numbers in groups.items():
        accepted = [
            order_id
            for order_id, shown in trial.evidence.shown.items()
            if shown and _case_in(shown) in numbers and _was_accepted(shown)
        ]
        if len(accepted) > 1:
            yield Violation("duplicated", f"{len(accepted)} of {len(numbers)} equal orders were accepted", group)


def _stuck(trial: Trial) -> Iterator[Violation]:
    for submission in trial.submissions:
        if not submission.at_rest:
            said = f"not at rest when the time was up; seen: {' → '.join(submission.seen) or 'nothing'}"
            yield Violation("stuck", said, submission.case.number, min(submission.order_ids, default=None))
    for order_id, shown in trial.evidence.shown.items():
        if shown and shown["status"] in ("pending", "processing"):
            yield Violation("stuck", f"it is still {shown['status']}", _case_in(shown), order_id)


# ── the bill ───────────────────────────────────────────────────────────────────────────────────────────────────


def _double_billed(trial: Trial) -> Iterator[Violation]:
    """One call a requested plan; another only where the last answer was unusable, or may not have been written down."""
    calls_of: dict[int, list[Call]] = defaultdict(list)
    for call in trial.calls:
        if call.billed:
            calls_of[call.case].append(call)
    for order_id, shown in trial.evidence.shown.items():
        if shown is None:
            continue
        number = _case_in(shown)
        calls = calls_of.pop(number, [])
        requests = 1 + _retries(shown)
        if len(calls) > _MOST_BILLED_TRIES * requests:
            said = f"{len(calls)} billed calls for {requests} requested plans"
            yield Violation("double-billed", said, number, order_id)
        for call, after in itertools.pairwise(calls):
            if call.mood in USABLE and not _may_be_forgotten(call, trial.disturbances):
                said = f"called again {after.started - call.ended:.1f} s after a usable answer, with nothing in its way"
                yield Violation("double-billed", said, number, order_id)
        yield from _billed_after_the_end(calls, shown, trial.clock_offset)
    for number, calls in calls_of.items():
        yield Violation("double-billed", f"{len(calls)} billed calls for an order that does not exist", number)


def _may_be_forgotten(call: Call, disturbances: Sequence[Disturbance]) -> bool:
    """Whether the generator or its database was disturbed between the call and the writing down of its answer."""
    return any(
        d.began <= call.ended + _GRACE_SECONDS and d.ended >= call.started
        for d in disturbances
        if any(part == "postgres" or part.startswith("generator") for part in d.parts)
    )


def _billed_after_the_end(calls: Sequence[Call], shown: dict[str, Any], clock_offset: float) -> Iterator[Violation]:
    last = shown["timeline"][-1]
    if last["status"] != "completed":
        return
    end = datetime.fromisoformat(last["at"]).timestamp() - clock_offset
    for call in calls:
        if call.started > end + _AFTER_THE_END_SECONDS:
            said = f"called {call.started - end:.1f} s after it was completed"
            yield Violation("double-billed", said, call.case, shown["order_id"])


# ── the rest of the contract ───────────────────────────────────────────────────────────────────────────────────


def _moved_wrongly(trial: Trial) -> Iterator[Violation]:
    """The timeline is a way that the contract knows, and whoever looked saw nothing that is not on it."""
    for order_id, shown in trial.evidence.shown.items():
        way = [step["status"] for step in shown["timeline"]] if shown else []
        for before, after in zip([None, *way], way, strict=False):
            if after not in _MOVES[before]:
                yield Violation("moved wrongly", f"{before} → {after}: {' → '.join(way)}", _case_in(shown), order_id)
    for submission in trial.submissions:
        for order_id in submission.order_ids if len(submission.order_ids) == 1 else ():
            shown = trial.evidence.shown.get(order_id)
            way = [step["status"] for step in shown["timeline"]] if shown else []
            if shown and not _is_within(submission.seen, way):
                said = f"seen {' → '.join(submission.seen)}, but the timeline is {' → '.join(way)}"
                yield Violation("moved wrongly", said, submission.case.number, order_id)


def _decided_wrongly(trial: Trial) -> Iterator[Violation]:
    equal = Counter(submission.case.group for submission in trial.submissions)
    for submission in trial.submissions:
        case = submission.case
        for order_id in submission.order_ids:
            shown = trial.evidence.shown.get(order_id)
            if shown is None or not submission.at_rest:
                continue
            codes = {problem["code"] for problem in shown["problems"]}
            one_of_equals = equal[case.group] > 1 and "DUPLICATE_ORDER_SAME_DAY" in codes
            expected = "rejected" if one_of_equals else case.expected
            if shown["status"] != expected or (case.code and case.code not in codes):
                said = f"{case.story}: {shown['status']} with {sorted(codes)}, not {expected} with {case.code}"
                yield Violation("decided wrongly", said, case.number, order_id)
    for group, numbers in equal.items():
        if numbers > 1 and not any(s and s["status"] == "completed" for s in _shown_of(trial, group)):
            yield Violation("decided wrongly", f"none of {numbers} equal orders was accepted", group)


def _answered_wrongly(trial: Trial) -> Iterator[Violation]:
    for submission in trial.submissions:
        for strange in submission.strange:
            yield Violation("answered wrongly", strange, submission.case.number)
    for moment in trial.away:
        near = [d for d in trial.disturbances if d.began - 1 <= moment <= d.ended + 3 * _GRACE_SECONDS]
        if not any(part in d.parts for d in near for part in ("postgres", "intake-1", "intake-2")):
            yield Violation("answered wrongly", "503 while neither PostgreSQL nor intake was disturbed")


# ── small questions ────────────────────────────────────────────────────────────────────────────────────────────


def _orders(trial: Trial) -> Iterator[tuple[Any, str]]:
    for submission in trial.submissions:
        for order_id in submission.order_ids:
            yield submission.case, order_id


def _shown_of(trial: Trial, group: int) -> list[dict[str, Any] | None]:
    members = [s for s in trial.submissions if s.case.group == group]
    return [trial.evidence.shown.get(order_id) for s in members for order_id in s.order_ids]


def _case_in(shown: dict[str, Any] | None) -> int:
    """The case that the order's records name."""
    records = shown["order"]["patient_records"] if shown else ""
    return int(records.rpartition("chaos-")[2][:5])


def _was_accepted(shown: dict[str, Any]) -> bool:
    return any(step["status"] in ("processing", "completed") for step in shown["timeline"])


def _retries(shown: dict[str, Any]) -> int:
    way = [step["status"] for step in shown["timeline"]]
    return sum(1 for before, after in itertools.pairwise(way) if (before, after) == ("failed", "processing"))


def _is_within(seen: Sequence[str], way: Sequence[str]) -> bool:
    """Whether `seen` is what somebody sees who looks at `way` now and then."""
    rest = iter(way)
    return all(status in rest for status in seen)
