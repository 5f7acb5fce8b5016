"""Kafka in: everything that happens to an order."""

from chassis.service import Subscription
from schemas.topics import CAREPLANS, DECISIONS, ORDERS
from services.reporting.domain.read_model import FACTS
from services.reporting.use_cases import Reporting


def subscription(reporting: Reporting) -> Subscription:
    return Subscription(
        topics=(ORDERS, DECISIONS, CAREPLANS), facts=FACTS, handle=reporting.take_in, gather_seconds=0.1
    )
