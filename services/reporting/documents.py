"""The bodies that reporting answers with, as OpenAPI describes them. What builds them is domain/views.py."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from schemas.careplan import CarePlan, Changes, Review
from schemas.order import FindingType, OrderStatus, Patient, Provider


class FoundProblem(BaseModel):
    type: FindingType
    code: str
    message: str
    detail: dict[str, Any]
    confirmed: bool | None = None


class OrderWithoutRecords(BaseModel):
    patient: Patient
    provider: Provider
    primary_diagnosis: str
    additional_diagnoses: list[str]
    medication: str
    medication_history: list[str]
    order_date: date


class FoundOrder(BaseModel):
    order_id: UUID
    source: str
    external_id: str | None
    status: OrderStatus
    submitted_at: datetime
    updated_at: datetime
    order: OrderWithoutRecords
    problems: list[FoundProblem]
    careplan_id: UUID | None
    version: int | None
    review: Review | None


class OrdersPage(BaseModel):
    items: list[FoundOrder]
    next_cursor: str | None


class CarePlanVersion(BaseModel):
    version: int
    created_at: datetime
    created_by: str
    note: str
    changes: Changes | None
    """What the revision did to the version before it; none for a first version."""
    approved_at: datetime | None
    approved_by: str | None


class ShownCarePlan(CarePlan):
    careplan_id: UUID
    order_id: UUID
    version: int
    review: Review
    versions: list[CarePlanVersion]


class Figures(BaseModel):
    """Seconds from submission to the finished plan; tokens and cost of every call, the failed ones included."""

    orders: int
    seconds_p50: float | None
    seconds_p95: float | None
    with_warnings: int
    approved: int
    calls: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float


class Day(BaseModel):
    day: date
    orders: int
    completed: int
    rejected: int
    with_warnings: int
    seconds_p50: float | None
    seconds_p95: float | None
    input_tokens: int
    output_tokens: int
    cost_usd: float


class Summary(BaseModel):
    figures: Figures
    by_status: dict[str, int]
    by_source: dict[str, int]
    by_medication: dict[str, int]
    by_day: list[Day]
