"""Prometheus metrics that every service has. Few labels, never an id; each says which question it answers."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "careplan_http_request_seconds",
    "How long do callers wait, by route and status?",
    ("service", "method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
EVENTS_HANDLED = Counter("careplan_events_handled", "How many events did the service take in?", ("service",))
OUTBOX_AGE = Gauge("careplan_outbox_oldest_seconds", "How long has the oldest unsent event been waiting?", ("service",))
