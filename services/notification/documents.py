"""The bodies that notification answers with, as OpenAPI describes them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.notification.domain.happening import Status
from services.notification.domain.outcome import Code
from services.notification.domain.subscription import Kind

State = Literal["waiting", "delivered", "given_up"]


class ShownSubscription(BaseModel):
    id: UUID
    kind: Kind
    url: str | None
    email: str | None
    source: str | None
    statuses: list[Status]
    enabled: bool
    disabled_reason: str | None
    """`GONE`: the receiver answered 410. `BY_HAND`: somebody switched it off."""
    failures_in_row: int
    created_at: datetime
    created_by: str


class NewSubscription(ShownSubscription):
    secret: str | None = None
    """Of a webhook, to verify signatures with: shown this once."""


class SubscriptionList(BaseModel):
    items: list[ShownSubscription]


class ShownDelivery(BaseModel):
    id: UUID
    subscription_id: UUID
    kind: Kind
    order_id: UUID
    status: Status
    codes: list[str]
    state: State
    tries: int
    last_code: Code | None
    last_http_status: int | None
    last_tried_at: datetime | None
    next_try_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


class DeliveriesPage(BaseModel):
    items: list[ShownDelivery]
    next_cursor: str | None
