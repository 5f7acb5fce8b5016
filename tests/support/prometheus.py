"""Debian's Prometheus, which scrapes what a test runs, with the project's own rules."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
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

    async def fires(
        self, *names: str, while_: Callable[[], Awaitable[object]] | None = None, seconds: float = 400
    ) -> None:
        """Each at some time; `while_` is done again and again until then: a rate wants something between any two scrapes."""
        end, missing = time.monotonic() + seconds, set(names)
        while missing := missing - self.firing():
            assert time.monotonic() < end, f"{missing} did not fire within {seconds:g} s"
            if while_:
                await while_()
            await asyncio.sleep(1)

    async def rests(self, *names: str, seconds: float = 400) -> None:
        """All at the same time."""
        end = time.monotonic() + seconds
        while still := self.firing() & set(names):
            assert time.monotonic() < end, f"{still} still fire after {seconds:g} s"
            await asyncio.sleep(1)


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


_SHORTER = {
    "[2m]": "[1m]",
    "[5m]": "[1m]",
    "[1h]": "[1m]",
    "_oldest_seconds) > 600": "_oldest_seconds) > 60",
    "_oldest_seconds) > 3600": "_oldest_seconds) > 60",
}


def impatient(folder: Path, alerts: Path = ALERTS) -> Path:
    """The same rules, but what holds for a second holds long enough, and a minute is as long as five, as ten of waiting, as an hour."""
    rules = yaml.safe_load(alerts.read_text())
    for rule in [rule for group in rules["groups"] for rule in group["rules"]]:
        rule["for"] = "1s"
        for long, short in _SHORTER.items():
            rule["expr"] = rule["expr"].replace(long, short)
    file = folder / "alerts.yml"
    file.write_text(yaml.safe_dump(rules))
    return file
