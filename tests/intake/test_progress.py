"""An order's way: each status as a table, and the same end whichever order the facts arrive in, and however often."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.careplan import Signature
from schemas.event import Event
from schemas.generator import CarePlanApproved, CarePlanCompleted, CarePlanFailed, CarePlanRevised
from schemas.order import Finding, OrderStatus
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned
from services.intake.domain.progress import Progress, Step, after, confirmed, retried
from tests.support.facts import an_id, at, event, order, packed_plan, warning

ID = an_id(1)
NOTICE = Finding(type="notice", code="ICD10_NOT_BILLABLE", message="m")
BLOCK = Finding(type="block", code="DUPLICATE_ORDER_SAME_DAY", message="m")
SEEN = warning()
MOVES: dict[OrderStatus, set[OrderStatus]] = {
    "pending": {"processing", "needs_confirmation", "rejected"},
    "needs_confirmation": {"pending", "processing", "rejected"},
    "processing": {"completed", "failed"},
    "failed": {"processing"},
    "rejected": set(),
    "completed": set(),
}


def received() -> Progress:
    return Progress(attempt=1, status="pending", problems=(), decided_attempt=0, timeline=(Step("pending", at(0)),))


def accepted(attempt: int, *findings: Finding) -> Event:
    fact = OrderAccepted(
        order_id=ID, attempt=attempt, order=order(), findings=findings, patient_id=an_id(2), provider_id=an_id(3)
    )
    return event(fact, attempt * 10 + 1)


def warned(attempt: int, *findings: Finding) -> Event:
    return event(OrderWarned(order_id=ID, attempt=attempt, findings=findings or (SEEN,)), attempt * 10 + 1)


def rejected(attempt: int) -> Event:
    return event(OrderRejected(order_id=ID, attempt=attempt, findings=(BLOCK,)), attempt * 10 + 1)


def completed(attempt: int, accepted_attempt: int | None = None) -> Event:
    fact = CarePlanCompleted(
        order_id=ID,
        attempt=attempt,
        careplan_id=an_id(4),
        accepted_at=at((accepted_attempt or attempt) * 10 + 1),
        careplan=packed_plan(),
    )
    return event(fact, attempt * 10 + 5)


def failed(attempt: int) -> Event:
    fact = CarePlanFailed(
        order_id=ID, attempt=attempt, accepted_at=at(attempt * 10 + 1), reason="TIMEOUT", message="Try again later."
    )
    return event(fact, attempt * 10 + 5)


def revised(version: int) -> Event:
    fact = CarePlanRevised(
        order_id=ID,
        careplan_id=an_id(4),
        version=version,
        careplan=packed_plan(f"Version {version}."),
        revised=Signature(by="pharmacist", at=at(100 + version)),
    )
    return event(fact, 100 + version)


def approved(version: int) -> Event:
    signature = Signature(by="pharmacist", at=at(200 + version))
    return event(
        CarePlanApproved(order_id=ID, careplan_id=an_id(4), version=version, approved=signature), 200 + version
    )


def statuses(progress: Progress) -> list[OrderStatus]:
    return [step.status for step in progress.timeline]


def confirm(progress: Progress) -> Progress:
    return confirmed(progress, at(progress.attempt * 10 + 9))


def retry(progress: Progress) -> Progress:
    return retried(progress, at(progress.attempt * 10 + 9))


Move = Event | Callable[[Progress], Progress]


@pytest.mark.parametrize(
    ("moves", "timeline"),
    [
        ([], ["pending"]),
        ([accepted(1)], ["pending", "processing"]),
        ([warned(1)], ["pending", "needs_confirmation"]),
        ([rejected(1)], ["pending", "rejected"]),
        ([accepted(1), completed(1)], ["pending", "processing", "completed"]),
        ([accepted(1), failed(1)], ["pending", "processing", "failed"]),
        ([completed(1)], ["pending", "processing", "completed"]),
        ([failed(1)], ["pending", "processing", "failed"]),
        ([completed(1), accepted(1)], ["pending", "processing", "completed"]),
        ([warned(1), confirm], ["pending", "needs_confirmation", "pending"]),
        ([warned(1), confirm, accepted(2)], ["pending", "needs_confirmation", "pending", "processing"]),
        ([warned(1), confirm, rejected(2)], ["pending", "needs_confirmation", "pending", "rejected"]),
        ([warned(1), confirm, warned(2)], ["pending", "needs_confirmation", "pending", "needs_confirmation"]),
        ([accepted(1), failed(1), retry], ["pending", "processing", "failed", "processing"]),
        (
            [accepted(1), failed(1), retry, completed(2, 1)],
            ["pending", "processing", "failed", "processing", "completed"],
        ),
        ([accepted(1), failed(1), retry, failed(2)], ["pending", "processing", "failed", "processing", "failed"]),
        ([failed(1), retry, accepted(1)], ["pending", "processing", "failed", "processing"]),
        ([accepted(1), completed(1), rejected(1)], ["pending", "processing", "completed"]),
        ([accepted(1), completed(1), revised(2), approved(2)], ["pending", "processing", "completed"]),
    ],
)
def test_p13_a_status_moves_only_as_the_contract_says(moves: Sequence[Move], timeline: list[OrderStatus]) -> None:
    """P13."""
    progress = received()
    for move in moves:
        progress = after(progress, move) if isinstance(move, Event) else move(progress)
    assert statuses(progress) == timeline


def test_a_fact_that_changes_nothing_leaves_the_same_object() -> None:
    done = after(after(received(), accepted(1)), completed(1))
    for fact in (accepted(1), completed(1), warned(1), failed(1)):
        assert after(done, fact) is done


def test_findings_count_even_where_the_plan_overtook_the_decision() -> None:
    late = after(after(received(), completed(1)), accepted(1, NOTICE))
    assert late.problems == (NOTICE,)
    assert late.status == "completed"


def test_a_failure_says_so_in_problems_until_a_retry() -> None:
    broken = after(after(received(), accepted(1, NOTICE)), failed(1))
    assert [p.code for p in broken.problems] == ["ICD10_NOT_BILLABLE", "GENERATION_FAILED"]
    assert broken.problems[1].detail == {"reason": "TIMEOUT"}
    assert [p.code for p in retry(broken).problems] == ["ICD10_NOT_BILLABLE"]


def test_an_approval_that_overtakes_its_plan_is_not_lost() -> None:
    progress = received()
    for fact in (approved(1), completed(1)):
        progress = after(progress, fact)
    assert progress.plan is not None
    assert (progress.plan.version, progress.plan.review, progress.plan.careplan) == (1, "approved", packed_plan())


def test_a_revision_makes_it_a_draft_again() -> None:
    progress = received()
    for fact in (completed(1), approved(1), revised(2)):
        progress = after(progress, fact)
    assert progress.plan is not None
    assert (progress.plan.version, progress.plan.review) == (2, "draft")


# ── any order, any repetition (P3) ─────────────────────────────────────────────────────────────────────────────────

# A story is told in chapters: what a person does ends one, and happens only once the status asks for it. Within a
# chapter the topics race, and facts of earlier chapters may come again, or only now where the status did not need them.
DECISION, PLAN = "decisions", "careplans"
STORIES: dict[str, list[list[tuple[str, Event]]]] = {
    "accepted": [[(DECISION, accepted(1, NOTICE)), (PLAN, completed(1))]],
    "rejected": [[(DECISION, rejected(1))]],
    "confirmed": [
        [(DECISION, warned(1))],
        [(DECISION, accepted(2, SEEN.model_copy(update={"confirmed": True}))), (PLAN, completed(2))],
    ],
    "confirmed, then blocked": [[(DECISION, warned(1))], [(DECISION, rejected(2))]],
    "retried": [[(DECISION, accepted(1, NOTICE)), (PLAN, failed(1))], [(PLAN, completed(2, 1))]],
    "failed twice": [[(DECISION, accepted(1, NOTICE)), (PLAN, failed(1))], [(PLAN, failed(2))]],
    "revised and approved": [
        [(DECISION, accepted(1)), (PLAN, completed(1)), (PLAN, approved(1)), (PLAN, revised(2)), (PLAN, approved(2))]
    ],
}


def told(chapters: list[list[tuple[str, Event]]], shuffled: Callable[[list[Event]], list[Event]]) -> Progress:
    progress = received()
    earlier: list[Event] = []
    for chapter in chapters:
        if progress.status == "needs_confirmation":
            progress = confirm(progress)
        elif progress.status == "failed":
            progress = retry(progress)
        now = [fact for _, fact in chapter]
        for fact in shuffled([*earlier, *now]):
            progress = after(progress, fact)
        earlier += now
    return progress


@pytest.mark.parametrize("story", STORIES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_p3_any_order_and_repetition_of_the_facts_ends_the_same(story: str, data: st.DataObject) -> None:
    """P3: status, problems, plan and timeline. Kafka's order within a topic is not even needed."""
    chapters = STORIES[story]
    plain = told(chapters, lambda facts: facts)

    def shuffled(facts: list[Event]) -> list[Event]:
        repeated = data.draw(st.lists(st.sampled_from(facts), max_size=6))
        return data.draw(st.permutations([*facts, *repeated]))

    other = told(chapters, shuffled)
    assert replace(other, timeline=plain.timeline) == plain
    assert statuses(other) == statuses(plain)
    for before, behind in zip(statuses(other), statuses(other)[1:], strict=False):
        assert behind in MOVES[before]
    times = [step.at for step in other.timeline]
    assert times == sorted(times)
