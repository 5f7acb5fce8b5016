"""P12: memory is bounded under a backlog of 20,000 and under uploads: 400 MiB a process."""

import asyncio
import json
import random
import string
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import pdfs
from tests.support.kafka_ways import apache_kafka
from tests.support.maven import JarsUnavailable
from tests.support.system import System, charted_order, only_embedded, running_system

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

_MOST_MIB = 400
_BACKLOG = 20_000
_LARGE = 150
_UPLOADS = 24


@asynccontextmanager
async def _watched(system: System) -> AsyncIterator[dict[str, float]]:
    """The most that each process had at any time, its children apart, in MiB."""
    peaks: dict[str, float] = defaultdict(float)

    async def watch() -> None:
        while True:
            for name, service in system.services.items():
                family = [psutil.Process(service.pid), *psutil.Process(service.pid).children(recursive=True)]
                for place, process in enumerate(family):
                    try:
                        used = process.memory_full_info().uss / 1024 / 1024
                    except psutil.NoSuchProcess:
                        continue
                    whose = name if not place else f"{name}'s child"
                    peaks[whose] = max(peaks[whose], used)
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch())
    try:
        yield peaks
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        print({name: round(peak) for name, peak in peaks.items()})  # noqa: T201 - figures for whoever asks with -s


def _bounded(peaks: dict[str, float]) -> None:
    assert {name: round(peak) for name, peak in peaks.items() if peak >= _MOST_MIB} == {}


async def _until_nothing_waits(system: System, orders: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            rows = await system.query("SELECT count(*) AS n FROM reporting.orders WHERE status = 'completed'")
            if rows[0]["n"] >= orders:
                return
            await asyncio.sleep(2)


@pytest.fixture
async def own_system(tmp_path: Path) -> AsyncIterator[System]:
    """On a Kafka of its own: what piles up here is in nobody else's way."""
    try:
        node = apache_kafka(tmp_path / "kafka")
    except JarsUnavailable as reason:
        pytest.skip(str(reason))
    async with node, running_system(tmp_path, node) as system:
        await system.services["generator"].restart(CAREPLAN_MODEL="scripted")
        yield system


async def test_p12_a_backlog_of_20_000_orders(own_system: System) -> None:
    system = own_system
    await system.broker.kill()
    async with _watched(system) as peaks:
        order_ids = await system.accepted(_BACKLOG, at_once=64)
        assert len(set(order_ids)) == _BACKLOG
        await system.broker.start()
        await _until_nothing_waits(system, _BACKLOG, 600)
    _bounded(peaks)


async def test_p12_a_backlog_of_the_largest_orders(system: System) -> None:
    """Records of 200,000 characters that no compression makes small."""
    await system.broker.kill()
    chance = random.Random(12)
    orders: list[dict[str, Any]] = []
    for _ in range(_LARGE):
        order = charted_order()
        words = "".join(chance.choices(string.ascii_letters + " " + "äöüßéçñ漢字仮名", k=190_000))
        order["patient_records"] += f"\n{words}"
        orders.append(order)
    async with _watched(system) as peaks:
        answers = [await system.post(order) for order in orders]
        assert {answer.status_code for answer in answers if answer} == {202}
        await system.broker.start()
        # Sixteen at a time, each with a minute at most for the search by meaning.
        await system.completed([answer.json()["order_id"] for answer in answers if answer], 1500)
    _bounded(peaks)


@only_embedded
async def test_p12_many_large_files_at_once(system: System) -> None:
    page = pdfs.printed("Generalized myasthenia gravis. Creatinine 0.78 mg/dL.")
    padded = page.replace(b"%%EOF", b"%" + b"x" * 9_900_000 + b"\n%%EOF")

    async def upload() -> int:
        order = charted_order()
        del order["patient_records"]
        files: Any = {
            "order": (None, json.dumps(order), "application/json"),
            "patient_records": ("records.pdf", padded, "application/pdf"),
        }
        answer = await system.at("intake").post("/api/orders", files=files, timeout=120)
        return answer.status_code

    async with _watched(system) as peaks:
        statuses = await asyncio.gather(*(upload() for _ in range(_UPLOADS)))
    assert set(statuses) <= {202, 429, 503}
    assert statuses.count(202) >= 1
    _bounded(peaks)
