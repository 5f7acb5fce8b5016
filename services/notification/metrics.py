"""What notification counts beside what every service does; each help text is the question it answers."""

from prometheus_client import Counter, Gauge

# business
DELIVERY_TRIES = Counter("careplan_delivery_tries", "How do tries to tell a subscriber end?", ("kind", "outcome"))

# performance
DELIVERIES_OLDEST = Gauge(
    "careplan_deliveries_oldest_seconds", "How long has the oldest delivery that is not settled been waiting?"
)
