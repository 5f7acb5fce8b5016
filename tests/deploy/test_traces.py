"""One trace leads from the order to the plan and to whoever was told; and neither traces nor logs know a patient."""

import json
import time

import pytest

from tests.deploy.conftest import Watched
from tests.support.otlp import Span

pytestmark = pytest.mark.timeout(900)
"""The first of them starts a system, and has it work for a day."""

_HOPS = {
    ("intake", "POST /api/orders"),
    ("validation", "validation careplan.order_received.v1"),
    ("generator", "generator careplan.order_accepted.v1"),
    ("generator", "write plan"),
    ("intake", "intake careplan.care_plan_completed.v1"),
    ("reporting", "reporting careplan.care_plan_completed.v1"),
    ("notification", "notification careplan.care_plan_completed.v1"),
    ("notification", "notification webhook"),
}


def _exported(watched: Watched, trace_id: str) -> list[Span]:
    """Exporters send every five seconds."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        spans = watched.traces.of_trace(trace_id)
        if {(span.service, span.name) for span in spans} >= _HOPS:
            break
        time.sleep(0.2)
    return watched.traces.of_trace(trace_id)


def test_one_trace_holds_every_hop_from_the_order_to_the_webhook(watched: Watched) -> None:
    order = watched.orders["completed 0"]
    spans = _exported(watched, order["trace_id"])
    assert _HOPS - {(span.service, span.name) for span in spans} == set()
    ids = {span.span_id for span in spans} | {"00f067aa0ba902b7"}
    assert [span.name for span in spans if span.parent_id not in ids] == [], "every span hangs in the tree"
    of_order = [span for span in spans if span.attributes.get("order.id") == order["order_id"]]
    assert len(of_order) >= len(_HOPS) - 1


def test_the_receiver_of_a_webhook_can_carry_the_trace_on(watched: Watched) -> None:
    trace_ids = {headers["traceparent"].split("-")[1] for headers, _ in watched.hooks.received}
    assert {order["trace_id"] for order in watched.orders.values()} <= trace_ids


def test_log_lines_carry_the_trace_of_what_they_are_about(watched: Watched) -> None:
    trace_id = watched.orders["completed 0"]["trace_id"]
    lines = [json.loads(line) for line in _log(watched).splitlines() if line.startswith("{")]
    events = {line["event"] for line in lines if line.get("trace_id") == trace_id}
    assert "delivery.tried" in events


def test_neither_logs_nor_traces_nor_metrics_nor_webhooks_know_a_patient(watched: Watched) -> None:
    _exported(watched, watched.orders["completed 0"]["trace_id"])
    with watched.system.as_("admin") as admin:
        metrics = admin.get("/metrics").text
    places = {
        "the logs": _log(watched),
        "the traces": b"\n".join(watched.traces.raw).decode("latin-1"),
        "the metrics": metrics,
        "the webhooks": "\n".join(f"{headers}{body!r}" for headers, body in watched.hooks.received),
        "the output": watched.system.output.read_text(),
    }
    assert all(places.values()), "a place that is empty proves nothing"
    found = [
        f"{place} know {secret}"
        for place, text in places.items()
        for patient in watched.patients
        for secret in patient.secrets
        if secret in text or secret.encode().decode("latin-1") in text
    ]
    assert found == []


def _log(watched: Watched) -> str:
    """Every process's, PostgreSQL's and the broker's too."""
    files = sorted(watched.system.home.rglob("*.log"))
    assert {"services.log", "postgres.log"} <= {file.name for file in files}
    return "\n".join(file.read_text() for file in files)
