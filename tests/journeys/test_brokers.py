"""The same journey on Apache Kafka and on the embedded broker: what reads like one system is one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.broker import EmbeddedBroker
from tests.support.kafka import ApacheKafka, Broker, KafkaUnavailable
from tests.support.stack import environments, running, sample_order

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]


@pytest.fixture(params=["embedded", "kafka"])
async def any_broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Broker, bool]]:
    """A broker, and whether it is the embedded one. Skipped, with one line, where Kafka cannot be had."""
    if request.param == "embedded":
        async with EmbeddedBroker(log=tmp_path / "broker.log") as broker:
            yield broker, True
        return
    try:
        kafka = ApacheKafka(tmp_path / "kafka")
    except KafkaUnavailable as reason:
        pytest.skip(str(reason))
    async with kafka:
        yield kafka, False


async def test_an_order_becomes_a_care_plan_and_is_found_on_either_broker(
    database_url: str, any_broker: tuple[Broker, bool]
) -> None:
    broker, embedded = any_broker
    settings = environments(database_url, broker.bootstrap_servers, embedded_broker=embedded)
    async with running(settings) as stack:
        assistant = stack.as_("assistant")
        answer = await assistant.post("/api/orders", json=sample_order(), headers={"Prefer": "wait=30"})
        assert answer.json()["status"] == "processing"
        shown = await stack.until(answer.json()["order_id"], "completed", seconds=60)
        assert [step["status"] for step in shown["timeline"]] == ["pending", "processing", "completed"]


async def test_a_broker_that_comes_late_or_goes_away_holds_nobody_up_and_loses_nothing(
    database_url: str, any_broker: tuple[Broker, bool]
) -> None:
    """P9: intake answers 202 while the broker is away, and everything drains afterwards."""
    broker, embedded = any_broker
    settings = environments(database_url, broker.bootstrap_servers, embedded_broker=embedded)
    async with running(settings) as stack:
        assistant = stack.as_("assistant")
        first = await assistant.post("/api/orders", json=sample_order())
        await stack.until(first.json()["order_id"], "completed", seconds=60)
        await broker.kill()
        answers = [
            await assistant.post(
                "/api/orders", json=sample_order(patient={"mrn": f"{n:06d}", "first_name": "Ana" + "xyz"[n]})
            )
            for n in range(3)
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 202]
        await broker.start()
        for answer in answers:
            await stack.until(answer.json()["order_id"], "completed", seconds=90)
