"""The verdict can fail: each charge is brought where it must be, and none where everything is as it should be."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.evidence import Evidence
from tests.chaos.model import Call, Mood, case_text
from tests.chaos.orders import Case, Outcome, Post
from tests.chaos.system import Disturbance
from tests.chaos.traffic import Submission
from tests.chaos.verdict import Trial, verdict

_WAY = ("pending", "processing", "completed")
_POST = Post("/api/orders", "assistant", "application/json", b"{}")


def _case(number: int, group: int | None = None, expected: Outcome = "completed", key: str | None = "key") -> Case:
    return Case(number, "web", _POST, key, number if group is None else group, expected)


def _submission(case: Case, *seen: str, at_rest: bool = True) -> Submission:
    return Submission(case, {f"order-{case.number}"}, seen=list(seen), at_rest=at_rest)


def _shown(number: int, *way: str, codes: tuple[str, ...] = ()) -> dict[str, Any]:
    plan = {"careplan_id": f"plan-{number}"} if way[-1] == "completed" else None
    return {
        "order_id": f"order-{number}",
        "status": way[-1],
        "order": {"patient_records": f"Stable. {case_text(number)}"},
        "problems": [{"code": code} for code in codes],
        "timeline": [{"status": status, "at": f"2026-02-05T12:00:{at:02d}Z"} for at, status in enumerate(way)],
        "careplan": plan,
    }


def _trial(
    *submissions: Submission, shown: list[dict[str, Any]] | None = None, calls: list[Call] | None = None
) -> Trial:
    """Where nothing else is said, every order was completed, and everybody knows it."""
    orders = shown if shown is not None else [_shown(s.case.number, *_WAY) for s in submissions]
    evidence = Evidence(
        shown={order["order_id"]: order for order in orders},
        found={
            order["order_id"]: {"status": order["status"], "careplan_id": (order["careplan"] or {}).get("careplan_id")}
            for order in orders
        },
        reported=[order["order_id"] for order in orders if order["status"] == "completed"],
        plans={
            order["careplan"]["careplan_id"]: {"order_id": order["order_id"], "versions": [{"version": 1}]}
            for order in orders
            if order["careplan"]
        },
    )
    return Trial(submissions, evidence, calls or [], [], clock_offset=1_770_000_000.0)


def _charges(trial: Trial) -> set[str]:
    return {violation.charge for violation in verdict(trial)}


def test_an_order_that_was_completed_once_and_is_known_everywhere_brings_no_charge() -> None:
    assert verdict(_trial(_submission(_case(1), "pending", "completed"), calls=[_call("good", 0, 1)])) == []


def test_an_order_that_nobody_knows_any_more_is_lost() -> None:
    trial = _trial(_submission(_case(1)))
    trial.evidence.shown["order-1"] = None
    assert "lost" in _charges(trial)


@pytest.mark.parametrize("missing", ["found", "reported", "plans"])
def test_an_order_that_reporting_does_not_know_is_lost(missing: str) -> None:
    trial = _trial(_submission(_case(1)))
    getattr(trial.evidence, missing).clear()
    assert _charges(trial) == {"lost"}


def test_an_order_that_search_shows_with_an_older_status_is_lost() -> None:
    trial = _trial(_submission(_case(1)))
    trial.evidence.found["order-1"]["status"] = "processing"
    assert _charges(trial) == {"lost"}


def test_two_orders_for_one_key_are_duplicated() -> None:
    second = _shown(1, *_WAY) | {"order_id": "order-2"}
    submission = _submission(_case(1))
    submission.order_ids.add("order-2")
    assert "duplicated" in _charges(_trial(submission, shown=[_shown(1, *_WAY), second]))


def test_two_accepted_of_equal_orders_are_duplicated() -> None:
    equals = [_submission(_case(number, group=1)) for number in (1, 2)]
    assert "duplicated" in _charges(_trial(*equals))


def test_one_accepted_and_one_blocked_of_equal_orders_is_right() -> None:
    equals = [_submission(_case(number, group=1)) for number in (1, 2)]
    blocked = _shown(2, "pending", "rejected", codes=("DUPLICATE_ORDER_SAME_DAY",))
    assert verdict(_trial(*equals, shown=[_shown(1, *_WAY), blocked])) == []


def test_a_second_row_in_the_report_is_duplicated() -> None:
    trial = _trial(_submission(_case(1)))
    trial.evidence.reported.append("order-1")
    assert _charges(trial) == {"duplicated"}


def test_an_order_that_does_not_come_to_rest_is_stuck() -> None:
    trial = _trial(_submission(_case(1), at_rest=False), shown=[_shown(1, "pending", "processing")])
    assert _charges(trial) == {"stuck"}


def _call(mood: Mood, started: float, ended: float) -> Call:
    return Call(1, mood, started, ended)


_KILLED = [Disturbance(frozenset({"generator-1"}), 0.5, 2.0)]


@pytest.mark.parametrize(
    ("calls", "disturbed", "charged"),
    [
        ([_call("good", 0, 1), _call("good", 9, 10)], False, True),
        ([_call("good", 0, 1), _call("good", 9, 10)], True, False),
        ([_call("cut", 0, 1), _call("good", 9, 10)], False, False),
        ([_call("busy", 0, 1), _call("broken", 2, 3), _call("good", 9, 10)], False, False),
        ([_call("silent", n, n + 1) for n in range(4)], False, True),
    ],
    ids=[
        "again for nothing",
        "again after a crash",
        "again after a cut",
        "again after what costs nothing",
        "four times",
    ],
)
def test_a_second_bill_needs_a_reason(calls: list[Call], disturbed: bool, charged: bool) -> None:
    trial = replace(_trial(_submission(_case(1)), calls=calls), disturbances=_KILLED if disturbed else [])
    assert ("double-billed" in _charges(trial)) == charged


def test_a_call_after_the_end_is_billed_for_nothing() -> None:
    late = 1_780_000_000.0  # long after the order was completed
    trial = _trial(_submission(_case(1)), calls=[_call("cut", late, late + 1)])
    assert _charges(trial) == {"double-billed"}


def test_a_call_for_an_order_that_does_not_exist_is_billed_for_nothing() -> None:
    assert _charges(_trial(calls=[_call("good", 0, 1)])) == {"double-billed"}


@pytest.mark.parametrize(
    "way", [("processing", "completed"), ("pending", "completed"), ("pending", "rejected", "processing", "completed")]
)
def test_a_way_that_the_contract_does_not_know_is_a_wrong_move(way: tuple[str, ...]) -> None:
    assert "moved wrongly" in _charges(_trial(_submission(_case(1)), shown=[_shown(1, *way)]))


def test_a_status_that_was_seen_and_is_not_in_the_timeline_is_a_wrong_move() -> None:
    assert _charges(_trial(_submission(_case(1), "pending", "failed", "completed"))) == {"moved wrongly"}


def test_another_outcome_than_the_rules_say_is_decided_wrongly() -> None:
    submission = _submission(_case(1, expected="rejected"))
    assert _charges(_trial(submission)) == {"decided wrongly"}


def test_an_answer_nobody_should_get_and_a_process_that_ended_by_itself_are_charges() -> None:
    submission = _submission(_case(1))
    submission.strange.append("GET answered 500")
    assert _charges(replace(_trial(submission), dead=["validation-1"])) == {"answered wrongly", "died"}


def test_a_503_is_right_only_where_the_database_was_away() -> None:
    away = [Disturbance(frozenset({"postgres"}), 0.0, 2.0)]
    trial = replace(_trial(_submission(_case(1))), away=[1.0])
    assert _charges(trial) == {"answered wrongly"}
    assert _charges(replace(trial, disturbances=away)) == set()
