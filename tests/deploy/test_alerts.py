"""Every alert fires when it should and rests when it should, rests on metrics that the code has, and leads to its runbook."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.commands import run_command
from tests.support.metrics import series_names
from tests.support.queries import labels_in, metrics_in

_ALERTS = Path("deploy/prometheus/alerts.yml")
_CASES = (Path("tests/deploy/alerts_test.yml"), Path("tests/deploy/alerts_by_day_test.yml"))
_RUNBOOK = Path("docs/runbook.md")


def _rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(_ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def test_alerts_fire_and_rest_as_their_cases_say(promtool: str) -> None:
    run_command([promtool, "test", "rules", *_CASES], seconds=100).well()


def test_prometheus_takes_its_configuration(promtool: str) -> None:
    run_command([promtool, "check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"], seconds=100).well()


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_rests() -> None:
    fires: set[str] = set()
    rests: set[str] = set()
    for case in [case for file in _CASES for case in yaml.safe_load(file.read_text())["tests"]]:
        for check in case["alert_rule_test"]:
            (fires if check["exp_alerts"] else rests).add(check["alertname"])
    assert fires == rests == set(_rules())


@pytest.mark.parametrize("alert", sorted(_rules()))
def test_an_alert_rests_on_metrics_that_the_code_has(alert: str) -> None:
    expression = _rules()[alert]["expr"]
    assert metrics_in(expression) - series_names() == set()
    assert labels_in(expression), expression


def test_every_alert_leads_to_a_section_of_the_runbook() -> None:
    headings = re.findall(r"^#+ (.+)$", _RUNBOOK.read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for alert, rule in _rules().items():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == str(_RUNBOOK), alert
        assert anchor in anchors, f"{alert}: no section #{anchor}"
        assert alert in _RUNBOOK.read_text(), f"the runbook does not name {alert}"
