"""Alerts fire when harm comes slowly: all of it at once, in one system, while a minute is as long as an hour.

As in test_alerts_fire.py; and what the runbook says to do is what is done against it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import ORDERS
from tests.support.chassis import until
from tests.support.hooks import Hooks, hooks
from tests.support.prometheus import Prometheus, every_alert, impatient, scraping
from tests.support.small_disk import fill, small_disk
from tests.support.system import Service, System, charted_order, embedded_broker, running_system

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

_SLOW_SECONDS = 100
_DEAR_TOKENS = 50_000_000
"""Some 25 dollars, of the small model."""
_BURST = 6_000
_BALLAST_BYTES = 450_000_000
"""With what a service has anyway, more than it may."""


async def test_alerts_fire_when_things_grow_slow_large_dear_or_stuck_and_rest_when_they_are_mended(
    harmed: tuple[System, Prometheus], tmp_path: Path
) -> None:
    system, watching = harmed
    slow = ("PartnersNotTold", "PlansLate", "ModelSlow", "CostSpike", "MemoryHigh", "ConsumerStuck", "ConsumerBehind")
    await system.services["generator"].restart(CAREPLAN_MODEL_TIMEOUT="300", CAREPLAN_JOB_LEASE_SECONDS="60")
    await system.completed(await system.accepted(5), seconds=400)
    await watching.rests(*every_alert())
    with hooks(status=500) as partner:
        subscription = await _subscribed(system, partner)
        await system.completed(await system.accepted(3), seconds=400)
        await _leaking(system.services["validation"], tmp_path)
        async with _locked_inbox(system):
            system.model.seconds, system.model.output_tokens = _SLOW_SECONDS, _DEAR_TOKENS
            late = await system.accepted(4)
            await _burst(system)
            await watching.fires(*slow)
            await _end_who_holds_the_lock(system)
        system.model.seconds, system.model.output_tokens = 0, 50
        await system.services["validation"].restart(PYTHONPATH="")
        await _mended(system, partner, subscription)
        await system.completed(late + await system.accepted(100), seconds=400)
        await watching.rests(*slow)


# ── a subscriber that fails ────────────────────────────────────────────────────────────────────────────────────────


async def _subscribed(system: System, partner: Hooks) -> str:
    form = {"kind": "webhook", "url": partner.url, "statuses": ["completed"]}
    answer = await system.at("notification", "admin").post("/api/notifications/subscriptions", json=form)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _mended(system: System, partner: Hooks, subscription: str) -> None:
    partner.status = 204
    where = f"/api/notifications/subscriptions/{subscription}"
    answer = await system.at("notification", "admin").patch(where, json={"enabled": True})
    assert answer.status_code == 200, answer.text


# ── a process that leaks ───────────────────────────────────────────────────────────────────────────────────────────


async def _leaking(service: Service, folder: Path) -> None:
    leak = folder / "leak"
    leak.mkdir()
    (leak / "sitecustomize.py").write_text(f"held = b'x' * {_BALLAST_BYTES}")
    await service.restart(PYTHONPATH=str(leak))


# ── a reader that hangs on a lock ──────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _locked_inbox(system: System) -> AsyncIterator[None]:
    """Somebody who works by hand in the database, and went home in the middle of it."""
    session = await asyncpg.connect(system.postgres.url)
    try:
        await session.execute("BEGIN; LOCK TABLE reporting.inbox")
        yield
    finally:
        session.terminate()


async def _burst(system: System) -> None:
    """Readers pass by what they do not know; but who hangs gets to none of it. In small batches: see Lag on `end_offsets`."""
    async with AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap_servers, enable_idempotence=False) as to:
        for _ in range(_BURST // 100):
            headers = [("ce_type", b"careplan.of_a_later_release.v1")]
            await asyncio.gather(*[await to.send(ORDERS.name, b"{}", headers=headers) for _ in range(100)])


_END_WHO_HOLDS_THE_LOCK = """
SELECT pg_terminate_backend(holder) FROM pg_stat_activity, unnest(pg_blocking_pids(pid)) AS holder
WHERE application_name = 'careplan-reporting'
"""


async def _end_who_holds_the_lock(system: System) -> None:
    """Once somebody waits for it: a reader asks anew each minute."""
    await until(lambda: system.query(_END_WHO_HOLDS_THE_LOCK), seconds=120)


# ── a disk that is full ────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_alert_of_a_full_database_fires_and_rests(tmp_path: Path, prometheus: str) -> None:
    with small_disk() as disk:
        async with embedded_broker(tmp_path) as broker, running_system(disk, broker, ["intake"]) as system:
            ports = [system.services["intake"].port]
            with scraping(prometheus, tmp_path, ports, impatient(tmp_path)) as watching:
                # Its log has room for a while: without, PostgreSQL would stop.
                await system.query("SELECT pg_switch_wal()")
                await system.accepted(5)
                await watching.rests("DatabaseFull")
                ballast = fill(system.home)
                await watching.fires("DatabaseFull", while_=lambda: _orders(system))
                ballast.unlink()
                if system.postgres.pid is None:  # it gave up: its supervisor starts it again
                    await system.postgres.start()
                await until(lambda: _orders(system), seconds=120)
                await watching.rests("DatabaseFull")


async def _orders(system: System) -> bool:
    """Twenty at once; whether all were taken."""
    answers = await asyncio.gather(*(system.post(charted_order()) for _ in range(20)))
    return all(answer is not None and answer.status_code == 202 for answer in answers)
