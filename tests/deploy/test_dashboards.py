"""No panel is empty: a real Prometheus scrapes the running system, and every query of every dashboard has an answer."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.conftest import Watched
from tests.support.metrics import ours, series_names
from tests.support.prometheus import Prometheus, scraping
from tests.support.queries import metrics_in

pytestmark = pytest.mark.timeout(900)
"""The first of them starts a system, and has it work for a day."""

_DASHBOARDS = sorted(Path("deploy/grafana/dashboards").glob("*.json"))


def _panels() -> list[tuple[str, str, str]]:
    """Dashboard, panel, query."""
    found = []
    for file in _DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            found += [(file.stem, panel["title"], target["expr"]) for target in panel["targets"]]
    return found


@pytest.fixture(scope="module")
def seen(watched: Watched, prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with scraping(prometheus, Path(tmp_path_factory.mktemp("prometheus")), [watched.system.port]) as here:
        yield here


@pytest.mark.parametrize(("dashboard", "panel", "query"), _panels())
def test_a_panels_query_has_an_answer(seen: Prometheus, dashboard: str, panel: str, query: str) -> None:
    end = time.monotonic() + 60  # a scrape may have come to nothing
    while not seen.values(query):
        assert time.monotonic() < end, f"{dashboard}: the panel '{panel}' is empty"
        time.sleep(0.5)


def test_alerts_are_loaded_and_none_of_them_fails(seen: Prometheus) -> None:
    groups = seen.get("/api/v1/rules")["groups"]
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
