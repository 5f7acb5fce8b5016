"""What intake counts beside what every service does; each help text is the question it answers."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from prometheus_client import Counter, Histogram

from services.intake.domain.progress import Progress, Step

# business
ORDERS_RECEIVED = Counter("careplan_orders_received", "How many orders came in, and by which door?", ("source",))
ORDER_TO_PLAN = Histogram(
    "careplan_order_to_plan_seconds",
    "How long does it take from an order to its care plan?",
    buckets=(0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14400),
)

# errors
ORDERS_NUDGED = Counter("careplan_orders_nudged", "How many orders stood still, and had their last event sent again?")


def plans_came(changes: Sequence[tuple[Progress, Progress]]) -> None:
    for before, after in changes:
        if after.status == "completed" and before.status != "completed":
            ORDER_TO_PLAN.observe((after.timeline[-1].at - _set_moving_at(after.timeline)).total_seconds())


def _set_moving_at(timeline: Sequence[Step]) -> datetime:
    """A person's pause before a confirmation or a retry is none of ours."""
    moved = [step.at for before, step in pairwise(timeline) if step.status == "pending" or before.status == "failed"]
    return moved[-1] if moved else timeline[0].at
