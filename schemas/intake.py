"""Facts that intake alone writes: topics `careplan.orders` and `careplan.access`.

`attempt` counts an order's rounds: 1 as received, one more for each confirmation and each retry. Readers
merge what reaches them in any order by (attempt, rank of the status).
"""

from datetime import datetime
from typing import Literal

from schemas.event import Fact
from schemas.order import Finding, Order


class OrderReceived(Fact):
    type: Literal["careplan.order_received.v1"] = "careplan.order_received.v1"
    attempt: int = 1
    source: str
    """Which door it came through: `web`, or the partner's name."""
    external_id: str | None = None
    submitted_at: datetime
    order: Order
    notices: tuple[Finding, ...] = ()
    """What intake noticed and asks nothing about: an unknown partner field, a diagnosis that is not billable."""
    warnings_accepted: bool = False
    """The submitter said beforehand that warnings are accepted; never overrides a block."""


class OrderConfirmed(Fact):
    """The submitter has read these warnings and wants to go on. Carries the order, so that deciding needs no memory."""

    type: Literal["careplan.order_confirmed.v1"] = "careplan.order_confirmed.v1"
    attempt: int
    source: str
    order: Order
    notices: tuple[Finding, ...] = ()
    confirmed: tuple[Finding, ...]


class CarePlanRequested(Fact):
    """Somebody asks again for a care plan whose generation gave up."""

    type: Literal["careplan.care_plan_requested.v1"] = "careplan.care_plan_requested.v1"
    attempt: int


class AccessRevoked(Fact):
    """A token is no longer valid. `order_id` holds the token's id: the topic's key is whatever the fact is about."""

    type: Literal["careplan.access_revoked.v1"] = "careplan.access_revoked.v1"
    since: datetime | None = None
    """Refused from then on: a key that was rotated is good for a while beside its successor. None: at once."""
    expires_at: datetime | None = None
    """When the token ends by itself, and its revocation may be forgotten."""
