"""Care plans as the download writers are given them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from schemas.careplan import CarePlan
from schemas.order import Order
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import PlanDocument, PlanVersion
from tests.support.clinical_orders import SAMPLES
from tests.support.facts import plan
from tests.support.plans import plan_for, request_for

CAREPLAN_ID = UUID("0193f0a2-7a11-7c3e-8b1d-0d4f3f5f2a10")
ORDER_ID = UUID("0193f0a2-7a11-7c3e-8b1d-0d4f3f5f2a11")
MADE_AT = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)
NOBODY = Pharmacy()
RIVERSIDE = Pharmacy("Riverside Specialty Pharmacy", "1234567893", "(555) 010-0199", "https://riverside.example/mrn")


def plan_document(
    order: Order, careplan: CarePlan | None = None, *, version: int = 1, approved: tuple[int, ...] = ()
) -> PlanDocument:
    """The version of an order's plan; `approved` are the versions that a pharmacist has signed."""
    return PlanDocument(
        careplan_id=CAREPLAN_ID,
        order_id=ORDER_ID,
        version=version,
        review="approved" if version in approved else "draft",
        order=order.model_copy(update={"patient_records": ""}),
        plan=careplan or plan(),
        versions=tuple(_version(number, signed=number in approved) for number in range(1, version + 1)),
    )


def sample_document(name: str, **changes: Any) -> PlanDocument:
    """A sample order with the plan that `scripted` writes for it."""
    order = SAMPLES[name]()
    return plan_document(order, plan_for(request_for(order)), **changes)


def _version(number: int, *, signed: bool) -> PlanVersion:
    made = MADE_AT + timedelta(hours=number)
    return PlanVersion(
        version=number,
        created_at=made,
        created_by="generator" if number == 1 else "r.jones",
        approved_at=made + timedelta(minutes=30) if signed else None,
        approved_by="a.smith" if signed else None,
    )
