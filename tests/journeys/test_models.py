"""The whole system with a vendor's model behind it: what leaves for the vendor, and what the calls cost."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from local.broker import EmbeddedBroker
from schemas.order import Order
from tests.support.model_servers import ModelServer, model_server, refuses, writes
from tests.support.plans import request_for
from tests.support.stack import Stack, environments, running, sample_order

pytestmark = pytest.mark.anyio

ORDERED = sample_order(order_date="2026-02-05")
PLAN = writes("openai", request_for(Order.model_validate(ORDERED)))


def with_model(server: ModelServer, database_url: str, broker: EmbeddedBroker, home: Path, **more: str) -> Any:
    extra = {
        "CAREPLAN_HOME": str(home), "CAREPLAN_MODEL": "openai", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.url, **more,
    }  # fmt: skip
    return running(environments(database_url, broker.bootstrap_servers, embedded_broker=True, extra=extra))


async def ordered(stack: Stack, **changes: Any) -> str:
    answer = await stack.as_("assistant").post("/api/orders", json={**ORDERED, **changes})
    assert answer.status_code == 202, answer.text
    order_id: str = answer.json()["order_id"]
    return order_id


async def test_a_vendors_plan_names_the_patient_whom_the_vendor_never_heard_of_and_its_cost_is_shown(
    database_url: str, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with (
        model_server("openai", PLAN) as server,
        with_model(server, database_url, broker, tmp_path) as stack,
    ):
        order_id = await ordered(stack)
        shown = await stack.until(order_id, "completed", 90)
        plan, patient = shown["careplan"], shown["order"]["patient"]
        assert patient["last_name"] in plan["text"]
        left = server.everything()
        for known in (
            patient["last_name"],
            patient["mrn"],
            patient["date_of_birth"],
            shown["order"]["provider"]["npi"],
        ):
            assert not re.search(rf"\b{re.escape(known.casefold())}\b", left)

        analyst, admin = stack.as_("analyst"), stack.as_("admin")
        costs = (await analyst.get("/api/costs")).json()
        assert costs["estimate"] is True
        assert costs["budget"]["state"] == "no_limit"
        (of_model,) = costs["by_model"]
        assert (of_model["calls"], of_model["input_tokens"], of_model["cached_input_tokens"]) == (1, 120, 300)
        assert of_model["cost_usd"] > 0
        assert costs["by_day"][0]["cost_usd"] == of_model["cost_usd"]
        of_order = (await analyst.get(f"/api/costs/orders/{order_id}")).json()
        assert [(call["outcome"], call["cost_usd"]) for call in of_order["calls"]] == [
            ("ANSWERED", of_model["cost_usd"])
        ]
        summary = await _summary_with_cost(stack)
        assert summary["figures"]["cost_usd"] == pytest.approx(of_model["cost_usd"])
        state = (await admin.get("/api/ops/models")).json()
        assert state["providers"] == [{"provider": "openai", "breaker": "closed", "paused_seconds": 0.0}]
        assert "careplan_model_cost_usd_total" in (await admin.get("/metrics")).text
        for path in ("/api/costs", f"/api/costs/orders/{order_id}", "/api/ops/models"):
            assert (await stack.as_("pharmacist").get(path)).status_code == 403
            assert (await stack.as_partner("clinic").get(path)).status_code == 403
            assert (await stack.anonymous().get(path)).status_code == 401


async def _summary_with_cost(stack: Stack) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for _ in range(1000):
        summary = (await stack.as_("analyst").get("/api/reports/summary")).json()
        if summary["figures"]["calls"]:
            break
        await asyncio.sleep(0.05)
    return summary


async def test_with_a_budget_used_up_orders_wait_in_processing_and_nothing_fails(
    database_url: str, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    async with (
        model_server("openai", PLAN) as server,
        with_model(server, database_url, broker, tmp_path, CAREPLAN_MODEL_BUDGET_USD="0.000001") as stack,
    ):
        order_id = await ordered(stack)
        await stack.until(order_id, "processing")
        state: dict[str, Any] = {}
        for _ in range(1000):
            state = (await stack.as_("admin").get("/api/ops/models")).json()
            if state["budget"]["state"] == "used_up":
                break
            await asyncio.sleep(0.05)
        assert state["budget"] == {"state": "used_up", "monthly_usd": 0.000001, "spent_usd": 0.0}
        assert "careplan_model_budget_used_up 1.0" in (await stack.as_("admin").get("/metrics")).text
        assert (await stack.as_("assistant").get(f"/api/orders/{order_id}")).json()["status"] == "processing"
        assert server.received == []


async def test_a_model_that_is_away_holds_orders_and_gives_none_up(
    database_url: str, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """P8."""
    async with (
        model_server("openai", refuses(503), refuses(429, retry_after="1"), refuses(500), PLAN) as server,
        with_model(server, database_url, broker, tmp_path) as stack,
    ):
        shown = await stack.until(await ordered(stack), "completed", 120)
        assert [step["status"] for step in shown["timeline"]] == ["pending", "processing", "completed"]
        assert len(server.received) == 4
