"""Kafka in: orders that were accepted, and plans that are asked for again."""

from chassis.service import Subscription
from schemas.topics import DECISIONS, ORDERS
from services.generator.use_cases import FACTS, Generator


def subscription(generator: Generator) -> Subscription:
    return Subscription(topics=(DECISIONS, ORDERS), facts=FACTS, handle=generator.take_on)
