"""What the public API says at the end: every order one by one, and the same orders as search, report and plans have them."""

import asyncio
import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.support.stack import token

_AT_ONCE = 8


@dataclass
class Evidence:
    """`shown`: GET of each known order, None where it is unknown. `found`: search's items. `plans`: by care plan id."""

    shown: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    found_twice: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    """The order ids of the pharma report, row by row."""
    plans: dict[str, dict[str, Any] | None] = field(default_factory=dict)


async def gather_evidence(intake: str, reporting: str, order_ids: Iterable[str]) -> Evidence:
    async with _client(intake, "assistant") as orders, _client(reporting, "assistant") as search:
        evidence = Evidence()
        await _search(search, evidence)
        evidence.shown = await _each(orders, "/api/orders/{}", {*order_ids, *evidence.found})
        plans = {item["careplan_id"] for item in evidence.found.values() if item["careplan_id"]}
        evidence.plans = await _each(search, "/api/careplans/{}", plans)
    async with _client(reporting, "analyst") as reports:
        rows = csv.DictReader(io.StringIO((await reports.get("/api/reports/orders.csv")).text))
        evidence.reported = [row["order_id"] for row in rows]
    return evidence


async def _search(client: httpx2.AsyncClient, evidence: Evidence) -> None:
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/api/orders", params={"limit": "100", **cursor})).raise_for_status().json()
        for item in page["items"]:
            if item["order_id"] in evidence.found:
                evidence.found_twice.append(item["order_id"])
            evidence.found[item["order_id"]] = item
        if not page["next_cursor"]:
            return
        cursor = {"cursor": page["next_cursor"]}


async def _each(client: httpx2.AsyncClient, path: str, ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def one(some_id: str) -> tuple[str, dict[str, Any] | None]:
        async with at_once:
            answer = await client.get(path.format(some_id))
        return some_id, None if answer.status_code == 404 else answer.raise_for_status().json()

    return dict(await asyncio.gather(*(one(some_id) for some_id in ids)))


def _client(url: str, role: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token(role)}"}, timeout=30)
