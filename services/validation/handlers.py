"""Kafka in: orders to decide on."""

from chassis.service import Subscription
from schemas.topics import ORDERS
from services.validation.use_cases import FACTS, Validation


def subscription(validation: Validation) -> Subscription:
    return Subscription(topics=(ORDERS,), facts=FACTS, handle=validation.validate_orders)
