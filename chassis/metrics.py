"""Prometheus metrics that every service has; its own stand in its `metrics.py`. Each help text is the question it answers.

Four kinds: business (what becomes of orders), performance (how long it takes), errors (what fails), resources (what is
used up). Few labels, never an id: each value of a label is one of a short list that stands in the code.
"""

from prometheus_client import Counter, Gauge, Histogram

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# ── business ───────────────────────────────────────────────────────────────────────────────────────────────────────

FACTS_WRITTEN = Counter(
    "careplan_facts_written", "What happened to orders and plans, by fact committed?", ("service", "fact")
)

# ── performance ────────────────────────────────────────────────────────────────────────────────────────────────────

REQUESTS = Histogram(
    "careplan_http_request_seconds",
    "How long do callers wait, by route and status?",
    ("service", "method", "route", "status"),
    buckets=_QUICK,
)
EVENTS_HANDLED = Counter("careplan_events_handled", "How many events did the service take in?", ("service",))
MESSAGES_PASSED = Counter(
    "careplan_messages_passed",
    "How many messages has the service behind it: handled, not for it, or put aside?",
    ("service",),
)
POLL_SECONDS = Histogram(
    "careplan_poll_seconds", "How long does it take to handle a poll and commit it?", ("service",), buckets=_QUICK
)
OUTBOX_AGE = Gauge("careplan_outbox_oldest_seconds", "How long has the oldest unsent event been waiting?", ("service",))
KAFKA_LAG = Gauge("careplan_kafka_lag", "How many messages has the service not handled yet?", ("service", "topic"))
JOBS_WAITING = Gauge("careplan_jobs_waiting", "How many jobs are not done yet?", ("service",))
JOBS_OLDEST = Gauge("careplan_jobs_oldest_seconds", "How long has the oldest job been waiting?", ("service",))

# ── errors ─────────────────────────────────────────────────────────────────────────────────────────────────────────

DEAD_LETTERED = Counter(
    "careplan_dead_lettered", "How many messages could not be handled, and why?", ("service", "reason")
)
DEAD_LETTERS_WAITING = Gauge(
    "careplan_dead_letters_waiting", "How many dead letters has nobody replayed yet?", ("service",)
)
EVENT_FAILURES = Counter("careplan_event_failures", "How often did handling one event fail?", ("service",))
DATABASE_OUTAGES = Counter(
    "careplan_database_outages", "How often was the database away or full, and how?", ("service", "error")
)
LOOP_RESTARTS = Counter("careplan_loop_restarts", "Which background loop fails and is started again?", ("loop",))

# ── resources (the process's own CPU, memory and files come with the client library: process_*) ────────────────────

DATABASE_UP = Gauge("careplan_database_up", "Does the service reach its database?", ("service",))
DATABASE_CONNECTIONS = Gauge(
    "careplan_database_connections",
    "How many connections to the database are in use, of how many?",
    ("service", "state"),
)
DATABASE_BYTES = Gauge("careplan_database_bytes", "How large is the database on disk?", ("service",))
PARTITIONS_READ = Gauge("careplan_kafka_partitions_read", "How many partitions does the process read?", ("service",))


def begin(service: str) -> None:
    """Shows at 0 what an alert rests on: the first one is an increase only of what was there before."""
    DEAD_LETTERED.labels(service, "CANNOT_DECRYPT")
    DATABASE_OUTAGES.labels(service, "DiskFullError")
    MESSAGES_PASSED.labels(service)
