"""The catalogue: every topic, who writes it, who reads it, and the facts on it. One writer a topic keeps one order's facts in order."""

from dataclasses import dataclass

from schemas.event import Fact
from schemas.generator import CarePlanApproved, CarePlanCompleted, CarePlanFailed, CarePlanRevised
from schemas.intake import AccessRevoked, CarePlanRequested, OrderConfirmed, OrderReceived
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned


@dataclass(frozen=True)
class Topic:
    name: str
    writer: str
    readers: tuple[str, ...]
    facts: tuple[type[Fact], ...]
    key: str = "order_id"
    keeps_forever: bool = False


ORDERS = Topic(
    "careplan.orders",
    writer="intake",
    readers=("validation", "generator", "reporting", "notification"),
    facts=(OrderReceived, OrderConfirmed, CarePlanRequested),
)
DECISIONS = Topic(
    "careplan.decisions",
    writer="validation",
    readers=("intake", "generator", "reporting", "notification"),
    facts=(OrderAccepted, OrderWarned, OrderRejected),
)
CAREPLANS = Topic(
    "careplan.careplans",
    writer="generator",
    readers=("intake", "reporting", "notification"),
    facts=(CarePlanCompleted, CarePlanFailed, CarePlanRevised, CarePlanApproved),
)
ACCESS = Topic(
    "careplan.access",
    writer="intake",
    readers=("validation", "generator", "reporting", "notification"),
    facts=(AccessRevoked,),
    key="token id",
    keeps_forever=True,
)

ALL = (ORDERS, DECISIONS, CAREPLANS, ACCESS)

TOPIC_OF: dict[type[Fact], Topic] = {fact: topic for topic in ALL for fact in topic.facts}
FACT_OF: dict[str, type[Fact]] = {fact.model_fields["type"].default: fact for fact in TOPIC_OF}
"""Wire type -> class, for decoding; a type that is not here is passed over."""


def group_of(service: str) -> str:
    """The consumer group in which the replicas of a service read."""
    return f"careplan-{service}"
