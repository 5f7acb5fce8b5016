"""The same journey on Apache Kafka and on the embedded broker: what reads like one system is one."""

import pytest

from tests.support.kafka import Broker
from tests.support.stack import environments_on, running, sample_order

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


async def test_an_order_becomes_a_care_plan_and_is_found_on_either_broker(
    database_url: str, either_broker: Broker
) -> None:
    settings = environments_on(either_broker, database_url)
    async with running(settings) as stack:
        assistant = stack.as_("assistant")
        answer = await assistant.post("/api/orders", json=sample_order(), headers={"Prefer": "wait=30"})
        assert answer.json()["status"] == "processing"
        shown = await stack.until(answer.json()["order_id"], "completed", seconds=120)
        assert [step["status"] for step in shown["timeline"]] == ["pending", "processing", "completed"]


async def test_p9_a_broker_that_comes_late_or_goes_away_holds_nobody_up_and_loses_nothing(
    database_url: str, either_broker: Broker
) -> None:
    """Intake answers 202 while the broker is away, and everything drains afterwards."""
    settings = environments_on(either_broker, database_url)
    async with running(settings) as stack:
        assistant = stack.as_("assistant")
        first = await assistant.post("/api/orders", json=sample_order())
        await stack.until(first.json()["order_id"], "completed", seconds=120)
        await either_broker.kill()
        answers = [
            await assistant.post(
                "/api/orders", json=sample_order(patient={"mrn": f"{n:06d}", "first_name": "Ana" + "xyz"[n]})
            )
            for n in range(3)
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 202]
        await either_broker.start()
        for answer in answers:
            await stack.until(answer.json()["order_id"], "completed", seconds=180)
