"""The bodies that intake answers with, as OpenAPI describes them. What builds them is domain/answers.py."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from schemas.careplan import CarePlan, Review
from schemas.order import FindingType, Order, OrderStatus


class Links(BaseModel):
    self: str
    events: str


class AcceptedOrder(BaseModel):
    """The order is durable."""

    order_id: UUID
    status: OrderStatus
    links: Links


class OrderProblem(BaseModel):
    type: FindingType
    code: str
    message: str
    detail: dict[str, Any]
    confirmed: bool | None = None


class TimelineStep(BaseModel):
    status: OrderStatus
    at: datetime


class OrderCarePlan(CarePlan):
    careplan_id: UUID
    version: int
    review: Review


class ShownOrder(BaseModel):
    order_id: UUID
    source: str
    external_id: str | None
    status: OrderStatus
    submitted_at: datetime
    updated_at: datetime
    order: Order
    problems: list[OrderProblem]
    timeline: list[TimelineStep]
    careplan: OrderCarePlan | None


class Icd10Match(BaseModel):
    code: str
    description: str
    billable: bool


class Icd10Matches(BaseModel):
    items: list[Icd10Match]


class WhoIAm(BaseModel):
    username: str
    roles: list[str]
    source: str | None = None
