"""Kafka in: what validation and the generator made of each order."""

from chassis.service import Subscription
from schemas.topics import CAREPLANS, DECISIONS
from services.intake.domain.progress import FACTS
from services.intake.use_cases import Intake


def subscription(intake: Intake) -> Subscription:
    return Subscription(topics=(DECISIONS, CAREPLANS), facts=FACTS, handle=intake.apply_progress)
