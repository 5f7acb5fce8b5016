"""What a submitter is told, from how far the order is."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.answer import Answer
from chassis.errors import ApplicationError, Blocked, NeedsConfirmation
from schemas.careplan import unpack
from schemas.order import Finding, Order, OrderStatus
from schemas.readable import readable
from services.intake.domain.orders import StoredOrder
from services.intake.domain.progress import CurrentPlan, Progress, Step


def order_path(order_id: UUID) -> str:
    return f"/api/orders/{order_id}"


def accepted(order_id: UUID, status: OrderStatus, *, waited: bool = False) -> Answer:
    """202: the order is durable."""
    self_path = order_path(order_id)
    body = {"order_id": str(order_id), "status": status, "links": {"self": self_path, "events": f"{self_path}/events"}}
    headers = {"Location": self_path} | ({"Preference-Applied": "wait"} if waited else {})
    return Answer(202, json.dumps(body), headers, order_id)


def waits(order_id: UUID) -> Answer:
    """The order is durable, its answer waits for validation."""
    return Answer(None, subject=order_id)


def decision(order_id: UUID, progress: Progress, *, for_partner: bool) -> Answer | ApplicationError:
    """The answer to a submitter who waited: accepted, or the block or warning as an error."""
    findings = [shown(finding, for_partner=for_partner) for finding in progress.problems]
    match progress.status:
        case "rejected":
            first = _first(progress.problems, "block")
            return Blocked(first.code, first.message, _detail(order_id, findings), {"Location": order_path(order_id)})
        case "needs_confirmation":
            first = _first([problem for problem in progress.problems if not problem.confirmed], "warning")
            detail = _detail(order_id, findings) | {"confirm": f"{order_path(order_id)}/confirm"}
            return NeedsConfirmation(first.code, first.message, detail, {"Location": order_path(order_id)})
        case "pending":
            return accepted(order_id, "pending")
        case _:
            return accepted(order_id, "processing", waited=True)


def shown(finding: Finding, *, for_partner: bool) -> dict[str, Any]:
    """A finding as the caller may see it: what it says about another patient is for staff."""
    fields = finding.model_dump(mode="json")
    if for_partner and finding.type != "notice":
        fields["detail"] = {}  # a notice is about the order's own fields, as its sender named them
    if finding.type != "warning":
        del fields["confirmed"]
    return fields


def _first(findings: Sequence[Finding], kind: str) -> Finding:
    return next(finding for finding in findings if finding.type == kind)


def _detail(order_id: UUID, findings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_type = {f"{kind}s": [f for f in findings if f["type"] == kind] for kind in ("block", "warning", "notice")}
    return {"order_id": str(order_id), **by_type}


def shown_order(stored: StoredOrder, *, for_partner: bool) -> dict[str, Any]:
    """`GET /api/orders/{order_id}`."""
    way = stored.progress
    return {
        "order_id": str(stored.order_id),
        "source": stored.source,
        "external_id": stored.external_id,
        "status": way.status,
        "submitted_at": _iso(stored.submitted_at),
        "updated_at": _iso(stored.updated_at),
        "order": stored.order.model_dump(mode="json"),
        "problems": [shown(finding, for_partner=for_partner) for finding in way.problems],
        "timeline": [{"status": step.status, "at": _iso(step.at)} for step in way.timeline],
        "careplan": _shown_plan(way.plan, stored.order) if way.status == "completed" else None,
    }


def changes_since(seen: StoredOrder | None, stored: StoredOrder) -> list[StoredOrder]:
    """The order as it is where it was not seen before; else as it was after each change since, the last one now."""
    if seen is None:
        return [stored]
    if seen.updated_at == stored.updated_at:
        return []
    steps = stored.progress.timeline
    between = range(len(seen.progress.timeline) + 1, len(steps))
    return [*(_at_step(stored, steps[:length]) for length in between), stored]


def _at_step(stored: StoredOrder, timeline: tuple[Step, ...]) -> StoredOrder:
    last = timeline[-1]
    return replace(stored, updated_at=last.at, progress=replace(stored.progress, status=last.status, timeline=timeline))


def _shown_plan(plan: CurrentPlan | None, order: Order) -> dict[str, Any] | None:
    if plan is None or plan.careplan is None:
        return None
    careplan = unpack(plan.careplan)
    body = careplan.model_dump(mode="json", exclude={"text", "text_edited"})
    edited = {"text_edited": True} if careplan.text_edited else {}
    return {
        "careplan_id": str(plan.careplan_id),
        "version": plan.version,
        "review": plan.review,
        "text": readable(careplan, order, plan.review),
        **body,
        **edited,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
