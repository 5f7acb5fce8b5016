"""Today is the pharmacy's, wherever the servers stand, and is fixed when an order is received."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from services.intake import main as intake
from services.intake.settings import IntakeSettings
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack, serving, token

EVENING = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
"""Half past ten in the evening of 1 March in New York."""


@pytest.fixture
async def evening(system: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    settings = IntakeSettings(**system.beside("intake"))  # type: ignore[arg-type]
    async with serving(intake.build(settings, clock=lambda: EVENING)) as url:
        headers = {"Authorization": f"Bearer {token('assistant')}"}
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=40) as client:
            yield client


async def test_an_order_without_a_date_is_of_the_pharmacys_today(evening: httpx2.AsyncClient) -> None:
    order = new_order()
    del order["order_date"]
    answer = await evening.post("/api/orders", json=order)
    shown = (await evening.get(answer.headers["location"])).json()
    assert shown["order"]["order_date"] == "2026-03-01"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_date": "2026-03-02"}, "order_date"),
        ({"patient": {"date_of_birth": "2026-03-02"}}, "patient.date_of_birth"),
    ],
)
async def test_tomorrow_in_new_york_is_the_future_though_it_has_begun_in_utc(
    changes: dict[str, Any], field: str, evening: httpx2.AsyncClient
) -> None:
    body = assert_error(await evening.post("/api/orders", json=new_order(**changes)), 400, "validation", "VALIDATION")
    assert [error["field"] for error in body["detail"]["errors"]] == [field]
