"""Chaos itself, short, on each broker. `make chaos` runs more of it, `make chaos-mutants` proves that it can fail."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos import run as chaos
from tests.chaos.report import readable
from tests.chaos.system import BrokerName
from tests.support.kafka import kafka_jars
from tests.support.maven import JarsUnavailable

pytestmark = pytest.mark.soak


def _left_out_without(broker: str) -> None:
    if broker == "kafka":
        try:
            kafka_jars()
        except JarsUnavailable as reason:
            pytest.skip(str(reason))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("broker", ["embedded", "kafka"])
def test_p1_p3_p4_p5_p6_p13_nothing_is_lost_duplicated_stuck_or_billed_twice_in_chaos(
    broker: BrokerName, tmp_path: Path
) -> None:
    _left_out_without(broker)
    plan = chaos.Plan(seed=1, minutes=1, broker=broker)
    outcome = asyncio.run(chaos.in_new_home(lambda home: chaos.run(plan, home, chaos.Progress()), tmp_path / "logs"))
    assert not outcome.violations, readable(outcome)
