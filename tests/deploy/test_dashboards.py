"""No panel is empty: a real Prometheus scrapes the running system, and every query of every dashboard has an answer."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.ports import free_port
from tests.deploy.conftest import Watched
from tests.support.background import background
from tests.support.metrics import ours, series_names
from tests.support.queries import metrics_in

_DASHBOARDS = sorted(Path("deploy/grafana/dashboards").glob("*.json"))


def _panels() -> list[tuple[str, str, str]]:
    """Dashboard, panel, query."""
    found = []
    for file in _DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            found += [(file.stem, panel["title"], target["expr"]) for target in panel["targets"]]
    return found


_CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{alerts}]
scrape_configs:
  - job_name: careplan
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class _Prometheus:
    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, timeout=20)

    def get(self, path: str, **params: str) -> Any:
        answer = self._client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def values(self, query: str) -> list[float]:
        result = self.get("/api/v1/query", query=query.replace("$__rate_interval", "30s").replace("[24h]", "[5m]"))
        return [float(series["value"][1]) for series in result["result"]]


@pytest.fixture(scope="module")
def scraping(watched: Watched, prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Prometheus]:
    folder, port = Path(tmp_path_factory.mktemp("prometheus")), free_port()
    alerts = Path("deploy/prometheus/alerts.yml").resolve()
    (folder / "prometheus.yml").write_text(_CONFIG.format(port=watched.system.port, alerts=alerts))
    command = [
        prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with background(command, folder / "prometheus.log", ready=f"http://127.0.0.1:{port}/-/ready"):
        here = _Prometheus(f"http://127.0.0.1:{port}")
        end = time.monotonic() + 60
        # A rate wants two scrapes, and gauges of the database come every five seconds.
        while sum(here.values('count_over_time(up{job="careplan"}[1m])')) < 4 or not here.values("careplan_kafka_lag"):
            assert time.monotonic() < end
            time.sleep(0.5)
        yield here


@pytest.mark.parametrize(("dashboard", "panel", "query"), _panels())
def test_a_panels_query_has_an_answer(scraping: _Prometheus, dashboard: str, panel: str, query: str) -> None:
    assert scraping.values(query), f"{dashboard}: the panel '{panel}' is empty"


def test_alerts_are_loaded_and_none_of_them_fails(scraping: _Prometheus) -> None:
    groups = scraping.get("/api/v1/rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 15
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []


def test_dashboards_know_the_codes_metrics_only() -> None:
    asked = {name for _, _, query in _panels() for name in metrics_in(query)}
    assert asked - series_names() == set()


def test_every_metric_of_the_code_is_on_a_dashboard() -> None:
    asked = " ".join(query for _, _, query in _panels())
    assert [name for name in ours() if name not in asked] == []


def test_panels_say_which_question_they_answer_and_dashboards_have_ids_of_their_own() -> None:
    documents = [json.loads(file.read_text()) for file in _DASHBOARDS]
    assert [document["uid"] for document in documents] == [file.stem for file in _DASHBOARDS]
    for document in documents:
        assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
        for panel in document["panels"]:
            assert "?" in panel["description"], panel["title"]
