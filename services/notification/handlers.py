"""Kafka in: where each order came from, and what became of it."""

from chassis.service import Subscription
from schemas.topics import CAREPLANS, DECISIONS, ORDERS
from services.notification.domain.happening import FACTS
from services.notification.use_cases import Noting


def subscription(noting: Noting) -> Subscription:
    return Subscription(topics=(ORDERS, DECISIONS, CAREPLANS), facts=FACTS, handle=noting.note, gather_seconds=0.1)
