"""Rows of the read model as the API shows them."""

import json
from typing import Any

import pytest

from chassis.errors import InvalidInput
from services.reporting.documents import FoundOrder, ShownCarePlan
from services.reporting.domain.views import shown_careplan, shown_order
from services.reporting.routes import cursor_after, place_of
from tests.support.facts import an_id, at, order, plan

PROBLEM = {"type": "warning", "code": "PATIENT_MRN_MISMATCH", "message": "m", "detail": {"x": 1}, "confirmed": True}
ROW: dict[str, Any] = {
    "order_id": an_id(1),
    "source": "web",
    "external_id": None,
    "status": "completed",
    "submitted_at": at(0),
    "updated_at": at(5),
    "order_body": order().model_dump_json(exclude={"patient_records"}),
    "problems": json.dumps([PROBLEM]),
    "failure": None,
    "careplan_id": an_id(4),
    "careplan_version": 1,
    "review": "draft",
}
VERSION = {
    "version": 1,
    "created_at": at(5),
    "created_by": "generator",
    "note": "first draft",
    "changes": None,
    "approved_at": None,
    "approved_by": None,
}


def test_a_found_order_is_as_documented_without_records_and_plan_text() -> None:
    shown = shown_order(ROW, for_partner=False)
    FoundOrder.model_validate_json(json.dumps(shown))
    assert set(shown) == set(FoundOrder.model_fields)
    assert "patient_records" not in shown["order"]
    assert "text" not in shown
    assert (shown["careplan_id"], shown["review"]) == (str(an_id(4)), "draft")


def test_a_partner_sees_no_detail_of_a_finding() -> None:
    assert shown_order(ROW, for_partner=False)["problems"] == [PROBLEM]
    assert shown_order(ROW, for_partner=True)["problems"] == [PROBLEM | {"detail": {}}]


def test_an_order_that_is_not_decided_has_no_problems_yet() -> None:
    row = ROW | {"problems": None, "careplan_id": None, "careplan_version": None, "review": None}
    shown = shown_order(row, for_partner=False)
    assert (shown["problems"], shown["careplan_id"]) == ([], None)


def test_a_care_plan_is_as_documented_with_its_versions() -> None:
    row = ROW | {"version": 1}
    shown = shown_careplan(row, plan(), order(), [VERSION])
    ShownCarePlan.model_validate_json(json.dumps(shown))
    assert "Draft: requires pharmacist review" in shown["text"]
    assert [version["created_by"] for version in shown["versions"]] == ["generator"]
    assert "Draft" not in shown_careplan(row | {"review": "approved"}, plan(), order(), [VERSION])["text"]


def test_a_cursor_comes_back_as_the_place_it_was_made_of() -> None:
    assert place_of(cursor_after(an_id(7))) == an_id(7)
    assert cursor_after(None) is None
    assert place_of(None) is None


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "a" * 100, "=", "%"])
def test_what_is_not_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        place_of(cursor)
