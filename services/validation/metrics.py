"""What validation counts beside what every service does; each help text is the question it answers."""

from prometheus_client import Counter

# business
FINDINGS = Counter("careplan_findings", "Which rules find something: duplicates, mix-ups, wrong numbers?", ("code",))
