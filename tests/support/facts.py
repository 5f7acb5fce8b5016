"""Facts of one order, as the services tell them, for tests of those who read them."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from schemas.careplan import CarePlan, Goal, Intervention, Monitoring, Problem, ProducedBy, Sections, pack
from schemas.event import Event, Fact
from schemas.order import Finding, Order
from tests.support.stack import sample_order

START = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def order(**changes: Any) -> Order:
    return Order.model_validate_json(json.dumps({"order_date": "2026-02-05", **sample_order(**changes)}))


def event(fact: Fact, seconds: float = 0) -> Event:
    return Event(new_id(), "test", at(seconds), fact)


def warning(code: str = "DUPLICATE_ORDER_OTHER_DAY", **detail: Any) -> Finding:
    return Finding(type="warning", code=code, message="m", detail=detail)


def plan(text: str = "") -> CarePlan:
    return CarePlan(
        sections=Sections(
            problem_list=(Problem(id="P1", text="p", category="adherence", severity="low"),),
            goals=(Goal(id="G1", text="g", measure="m", target="t", due=date(2026, 3, 1)),),
            interventions=(Intervention(id="I1", text="i", when="w", by="pharmacist"),),
            monitoring=(
                Monitoring(
                    id="M1", text="m", test="t", first="f", interval="i", threshold="t", action="a", responsible="r"
                ),
            ),
        ),
        produced_by=ProducedBy(provider="test", model="m", prompt_version="1", knowledge_version="1"),
        text=text,
        text_edited=bool(text),
    )


def packed_plan(text: str = "") -> bytes:
    return pack(plan(text))


def an_id(number: int) -> UUID:
    return UUID(int=number)
