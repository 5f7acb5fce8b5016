"""What a submitter is told, from how far the order is."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chassis.answer import Answer
from chassis.errors import ApplicationError, Blocked, NeedsConfirmation
from schemas.careplan import pack
from schemas.order import Finding, OrderStatus
from services.intake.domain import answers
from services.intake.domain.orders import StoredOrder
from services.intake.domain.progress import CurrentPlan, Progress, Step
from tests.support.facts import an_id, at, order, plan, warning

ID = an_id(1)
PATH = f"/api/orders/{ID}"
BLOCK = Finding(type="block", code="PROVIDER_NPI_CONFLICT", message="Another name.", detail={"on_file": "x"})
NOTICE = Finding(type="notice", code="ICD10_NOT_BILLABLE", message="m")


def progress(status: OrderStatus, *problems: Finding, plan_of: CurrentPlan | None = None) -> Progress:
    return Progress(1, status, problems, 1, (Step("pending", at(0)), Step(status, at(1))), plan_of)


def stored(way: Progress) -> StoredOrder:
    return StoredOrder(ID, "web", None, at(0), at(1), order(), (), way)


def decided(way: Progress, *, for_partner: bool = False) -> Answer | ApplicationError:
    return answers.decision(ID, way, for_partner=for_partner)


def test_an_accepted_order_has_a_location_and_links() -> None:
    answer = answers.accepted(ID, "pending")
    assert answer.status == 202
    assert answer.headers == {"Location": PATH}
    assert json.loads(answer.body) == {
        "order_id": str(ID),
        "status": "pending",
        "links": {"self": PATH, "events": f"{PATH}/events"},
    }


@pytest.mark.parametrize("status", ["processing", "completed", "failed"])
def test_who_waited_for_an_accepted_order_reads_processing_even_if_the_plan_is_there(status: OrderStatus) -> None:
    answer = decided(progress(status))
    assert isinstance(answer, Answer)
    assert json.loads(answer.body)["status"] == "processing"
    assert answer.headers["Preference-Applied"] == "wait"


def test_who_waited_in_vain_reads_pending() -> None:
    answer = decided(progress("pending"))
    assert isinstance(answer, Answer)
    assert json.loads(answer.body)["status"] == "pending"
    assert "Preference-Applied" not in answer.headers


def test_a_block_lists_everything_and_is_named_by_the_first_block() -> None:
    second = BLOCK.model_copy(update={"code": "DUPLICATE_ORDER_SAME_DAY"})
    answer = decided(progress("rejected", warning("PATIENT_MRN_MISMATCH"), BLOCK, second, NOTICE))
    assert isinstance(answer, Blocked)
    assert (answer.code, answer.message) == ("PROVIDER_NPI_CONFLICT", "Another name.")
    assert answer.headers == {"Location": PATH}
    assert answer.detail["order_id"] == str(ID)
    assert [f["code"] for f in answer.detail["blocks"]] == ["PROVIDER_NPI_CONFLICT", "DUPLICATE_ORDER_SAME_DAY"]
    assert [f["code"] for f in answer.detail["warnings"]] == ["PATIENT_MRN_MISMATCH"]
    assert [f["code"] for f in answer.detail["notices"]] == ["ICD10_NOT_BILLABLE"]
    assert "confirm" not in answer.detail


def test_a_warning_says_where_to_confirm_and_is_named_by_the_first_that_is_not_confirmed() -> None:
    known = warning("PATIENT_MRN_MISMATCH").model_copy(update={"confirmed": True})
    answer = decided(progress("needs_confirmation", known, warning("DUPLICATE_ORDER_OTHER_DAY")))
    assert isinstance(answer, NeedsConfirmation)
    assert answer.code == "DUPLICATE_ORDER_OTHER_DAY"
    assert answer.detail["confirm"] == f"{PATH}/confirm"
    assert answer.detail["order_id"] == str(ID)
    assert [f["confirmed"] for f in answer.detail["warnings"]] == [True, False]
    assert answer.headers == {"Location": PATH}


def test_a_partner_gets_code_and_message_of_a_finding_only() -> None:
    answer = decided(progress("rejected", BLOCK), for_partner=True)
    assert isinstance(answer, Blocked)
    assert answer.detail["blocks"] == [
        {"type": "block", "code": "PROVIDER_NPI_CONFLICT", "message": "Another name.", "detail": {}}
    ]
    shown = answers.shown_order(stored(progress("rejected", BLOCK)), for_partner=True)
    assert shown["problems"][0]["detail"] == {}


def test_a_confirmed_warning_says_so_in_problems_and_other_findings_have_no_such_word() -> None:
    known = warning().model_copy(update={"confirmed": True})
    shown = answers.shown_order(stored(progress("processing", known, NOTICE)), for_partner=False)
    assert shown["problems"][0]["confirmed"] is True
    assert set(shown["problems"][1]) == {"type", "code", "message", "detail"}


def shown_with_plan(status: OrderStatus, **changes: Any) -> dict[str, Any]:
    current = CurrentPlan(an_id(9), 2, changes.get("review", "draft"), pack(changes.get("careplan", plan())))
    return answers.shown_order(stored(progress(status, plan_of=current)), for_partner=False)


def test_the_care_plan_is_shown_when_completed_only() -> None:
    assert shown_with_plan("processing")["careplan"] is None
    shown = shown_with_plan("completed")["careplan"]
    assert (shown["careplan_id"], shown["version"], shown["review"]) == (str(an_id(9)), 2, "draft")
    assert {"text", "sections", "citations", "gaps", "handout", "produced_by"} <= set(shown)
    assert "text_edited" not in shown


def test_the_text_says_draft_until_it_is_approved() -> None:
    banner = "Draft: requires pharmacist review"
    assert banner in shown_with_plan("completed")["careplan"]["text"]
    assert banner not in shown_with_plan("completed", review="approved")["careplan"]["text"]


def test_an_edited_text_says_so() -> None:
    edited = plan().model_copy(update={"text_edited": True})
    assert shown_with_plan("completed", careplan=edited)["careplan"]["text_edited"] is True


def test_times_end_in_z() -> None:
    shown = shown_with_plan("completed")
    times = [shown["submitted_at"], shown["updated_at"], *(step["at"] for step in shown["timeline"])]
    assert all(time.endswith("Z") for time in times)


def test_each_change_since_the_last_look_is_told_by_itself() -> None:
    before = stored(progress("pending"))
    before = replace(before, progress=replace(before.progress, timeline=(Step("pending", at(0)),)))
    steps = (Step("pending", at(0)), Step("processing", at(1)), Step("completed", at(2)))
    done = replace(before, updated_at=at(2), progress=Progress(1, "completed", (), 1, steps))
    told = answers.changes_since(before, done)
    assert [(one.progress.status, len(one.progress.timeline)) for one in told] == [("processing", 2), ("completed", 3)]
    assert told[-1] is done
    assert answers.changes_since(done, done) == []
    assert answers.changes_since(None, done) == [done]
