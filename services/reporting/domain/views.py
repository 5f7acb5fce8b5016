"""Rows of the read model as the API shows them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from schemas.careplan import CarePlan
from schemas.order import Order
from schemas.readable import readable


def shown_order(row: Mapping[str, Any], *, for_partner: bool) -> dict[str, Any]:
    """An order without its records and without its plan's text. What findings say of others is for staff."""
    problems = json.loads(row["problems"] or "[]") + ([json.loads(row["failure"])] if row["failure"] else [])
    return {
        "order_id": str(row["order_id"]),
        "source": row["source"],
        "external_id": row["external_id"],
        "status": row["status"],
        "submitted_at": iso(row["submitted_at"]),
        "updated_at": iso(row["updated_at"]),
        "order": json.loads(row["order_body"]),
        "problems": [_shown_problem(problem, for_partner=for_partner) for problem in problems],
        "careplan_id": str(row["careplan_id"]) if row["careplan_id"] else None,
        "version": row["careplan_version"],
        "review": row["review"],
    }


def _shown_problem(problem: Mapping[str, Any], *, for_partner: bool) -> dict[str, Any]:
    """As intake shows it."""
    shown = {name: problem[name] for name in ("type", "code", "message", "detail")}
    if for_partner:
        shown["detail"] = {}
    return shown | ({"confirmed": problem["confirmed"]} if problem["type"] == "warning" else {})


def shown_careplan(
    row: Mapping[str, Any], plan: CarePlan, order: Order, versions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    body = plan.model_dump(mode="json", exclude={"text", "text_edited"})
    return {
        "careplan_id": str(row["careplan_id"]),
        "order_id": str(row["order_id"]),
        "version": row["version"],
        "review": row["review"],
        "text": readable(plan, order, row["review"]),
        **body,
        **({"text_edited": True} if plan.text_edited else {}),
        "versions": [
            {
                "version": version["version"],
                "created_at": _iso_or_none(version["created_at"]),
                "created_by": version["created_by"],
                "note": version["note"],
                "changes": json.loads(version["changes"]) if version["changes"] else None,
                "approved_at": _iso_or_none(version["approved_at"]),
                "approved_by": version["approved_by"],
            }
            for version in versions
        ],
    }


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
