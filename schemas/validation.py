"""Facts that validation alone writes: topic `careplan.decisions`. `findings` lists everything found, confirmed or not."""

from typing import Literal
from uuid import UUID

from schemas.event import Fact
from schemas.order import Finding, Order


class OrderAccepted(Fact):
    """A care plan may be written. Carries the order: the generator need not have seen it before."""

    type: Literal["careplan.order_accepted.v1"] = "careplan.order_accepted.v1"
    attempt: int
    order: Order
    findings: tuple[Finding, ...] = ()
    patient_id: UUID
    provider_id: UUID


class OrderWarned(Fact):
    type: Literal["careplan.order_warned.v1"] = "careplan.order_warned.v1"
    attempt: int
    findings: tuple[Finding, ...]


class OrderRejected(Fact):
    type: Literal["careplan.order_rejected.v1"] = "careplan.order_rejected.v1"
    attempt: int
    findings: tuple[Finding, ...]
