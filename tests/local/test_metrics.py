"""Two processes, one page of metrics."""

from prometheus_client.parser import text_string_to_metric_families

from local.metrics import merged

FRONT = """# HELP events_total Events handled
# TYPE events_total counter
events_total{service="intake"} 3.0
events_total{service="generator"} 1.0
# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 100.0
"""
BEHIND = """# HELP events_total Events handled
# TYPE events_total counter
events_total{service="generator"} 4.0
events_total{service="validation"} 2.0
# HELP lag Events waiting
# TYPE lag gauge
lag 7.0
# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 50.0
"""


def values() -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(merged(FRONT, BEHIND).decode())
    return {(s.name, s.labels.get("service", "")): s.value for family in families for s in family.samples}


def test_what_both_count_is_added_up_and_what_one_measures_stands() -> None:
    shown = values()
    assert {service: n for (name, service), n in shown.items() if name == "events_total"} == {
        "intake": 3.0,
        "generator": 5.0,
        "validation": 2.0,
    }
    assert shown["lag", ""] == 7.0


def test_a_processs_own_memory_is_the_fronts() -> None:
    assert values()["process_resident_memory_bytes", ""] == 100.0


def test_every_metric_is_described_once() -> None:
    assert merged(FRONT, BEHIND).decode().count("# TYPE events_total counter") == 1
