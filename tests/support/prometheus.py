"""Debian's Prometheus, which scrapes what a test runs, with the project's own rules."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from local.ports import free_port
from tests.support.background import background

ALERTS = Path("deploy/prometheus/alerts.yml").resolve()

_CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{alerts}]
scrape_configs:
  - job_name: careplan
    static_configs: [{{targets: {targets}}}]
"""


class Prometheus:
    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, timeout=20)

    def get(self, path: str, **params: str) -> Any:
        answer = self._client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def values(self, query: str) -> list[float]:
        result = self.get("/api/v1/query", query=query.replace("$__rate_interval", "30s").replace("[24h]", "[5m]"))
        return [float(series["value"][1]) for series in result["result"]]

    def firing(self) -> set[str]:
        alerts = self.get("/api/v1/alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@contextmanager
def scraping(program: str, folder: Path, ports: Sequence[int], alerts: Path = ALERTS) -> Iterator[Prometheus]:
    """Once it has seen each of them twice: a rate wants two scrapes."""
    port, targets = free_port(), [f"127.0.0.1:{each}" for each in ports]
    (folder / "prometheus.yml").write_text(_CONFIG.format(targets=targets, alerts=alerts))
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with background(command, folder / "prometheus.log", ready=f"http://127.0.0.1:{port}/-/ready"):
        here = Prometheus(f"http://127.0.0.1:{port}")
        end = time.monotonic() + 180
        # Gauges of the database come every five seconds.
        while sum(here.values('count_over_time(up{job="careplan"}[1m])')) < 4 or not here.values("careplan_kafka_lag"):
            assert time.monotonic() < end
            time.sleep(0.5)
        yield here


def every_alert() -> set[str]:
    return {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}


def impatient(folder: Path, alerts: Path = ALERTS) -> Path:
    """The same rules, but what holds for a second holds long enough, and five minutes are one."""
    rules = yaml.safe_load(alerts.read_text())
    for rule in [rule for group in rules["groups"] for rule in group["rules"]]:
        rule["for"], rule["expr"] = "1s", rule["expr"].replace("[5m]", "[1m]")
    file = folder / "alerts.yml"
    file.write_text(yaml.safe_dump(rules))
    return file
