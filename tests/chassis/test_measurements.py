"""What is measured is what stands in the database and in Kafka, and every metric says which question it answers."""

import asyncio
import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chassis.database import Database
from chassis.measurements import Measurements
from chassis.messaging import lag
from chassis.messaging.dead_letters import Message
from chassis.messaging.jobs import NewJob, Room
from chassis.messaging.kafka import Reader, ensure_topics, producer
from schemas.topics import ORDERS
from tests.support.chassis import asked_again, codec_of, database_of, settings_for, until, warned
from tests.support.kafka import Broker
from tests.support.metrics import CATALOGUES, ours, value

pytestmark = pytest.mark.anyio


def _of(name: str, service: str = "intake", **labels: str) -> float:
    return value(name, service=service, **labels)


async def test_the_age_of_the_oldest_unsent_event_is_measured(intake: Database) -> None:
    async with intake.transaction() as tx:
        tx.emit(asked_again())
    await intake_made_older(intake)
    await Measurements("intake", intake).take()
    assert 90 <= _of("careplan_outbox_oldest_seconds") < 150
    assert _of("careplan_database_up") == 1
    assert _of("careplan_database_bytes") > 1_000_000
    assert _of("careplan_database_connections", state="most") == 6


async def intake_made_older(intake: Database) -> None:
    async with intake.transaction() as tx:
        await tx.execute("UPDATE outbox SET created_at = now() - interval '90 s'")


async def test_a_database_that_is_away_is_seen_as_away() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", codec_of("intake"))
    before = _of("careplan_database_outages_total", error="ConnectionRefusedError")
    await Measurements("intake", away).take()
    assert _of("careplan_database_up") == 0
    assert _of("careplan_database_outages_total", error="ConnectionRefusedError") == before + 1


async def test_jobs_and_their_age_are_measured(generator: Database) -> None:
    async with generator.transaction() as tx:
        event = asked_again()
        await Room().add_jobs(tx, [NewJob(event.order_id, event.order_id, 1, event.order_id, None)])
    async with generator.transaction() as tx:
        await tx.execute("UPDATE jobs SET created_at = now() - interval '300 s'")
    await Measurements("generator", generator, has_jobs=True).take()
    assert _of("careplan_jobs_waiting", "generator") == 1
    assert 300 <= _of("careplan_jobs_oldest_seconds", "generator") < 400


async def test_a_fact_is_counted_once_it_is_committed_and_not_before(database_url: str) -> None:
    database = database_of(database_url, "validation")
    before = _of("careplan_facts_written_total", "validation", fact="OrderWarned")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            tx.emit(warned())
            raise ZeroDivisionError
    async with database.transaction() as tx:
        tx.emit(warned())
        tx.emit(warned())
    assert _of("careplan_facts_written_total", "validation", fact="OrderWarned") == before + 2
    await database.close()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lag, "_EVERY_SECONDS", 0.05)
    yield


async def test_lag_counts_what_is_not_handled_a_poll_that_hangs_included(broker: Broker, often: None) -> None:
    settings = settings_for(broker)
    await ensure_topics(settings, [ORDERS])
    async with producer(settings) as sender:
        for number in range(7):
            await sender.send_and_wait(ORDERS.name, b"x", key=str(number).encode())
    go_on, stopping = asyncio.Event(), asyncio.Event()

    async def receive(_: Sequence[Message]) -> None:
        await go_on.wait()

    running = asyncio.create_task(Reader(settings, "lagging", (ORDERS,), receive, stopping).run())
    await until(lambda: _lag() == 7)
    go_on.set()
    await until(lambda: _lag() == 0)
    assert value("careplan_kafka_partitions_read", service="lagging") == 3
    stopping.set()
    await asyncio.wait_for(running, 60)
    await until(lambda: value("careplan_kafka_partitions_read", service="lagging") == 0)


async def test_who_cannot_reach_the_broker_reads_nothing_whatever_partitions_he_has(
    broker: Broker, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "_ANSWERS_WITHIN_SECONDS", 2.0)

    async def receive(_: Sequence[Message]) -> None: ...

    running = asyncio.create_task(Reader(settings_for(broker), "cut off", (ORDERS,), receive, asyncio.Event()).run())
    try:
        await until(lambda: value("careplan_kafka_partitions_read", service="cut off") == 3)
        await broker.kill()
        await until(lambda: value("careplan_kafka_partitions_read", service="cut off") == 0)
        assert not running.done()
    finally:
        await broker.start()
        running.cancel()
        await asyncio.wait([running], timeout=20)


def _lag() -> float | None:
    return REGISTRY.get_sample_value("careplan_kafka_lag", {"service": "lagging", "topic": ORDERS.name})


def test_every_metric_says_which_question_it_answers_and_has_few_labels() -> None:
    for name, metric in ours().items():
        assert metric._documentation.endswith("?"), name
        assert len(metric._labelnames) <= 4, name
        assert re.fullmatch(r"careplan_[a-z_]+", name)
        assert not set(metric._labelnames) & {"order_id", "id", "patient", "mrn", "subject", "user"}


def test_metrics_stand_in_a_metrics_module_and_nowhere_else() -> None:
    elsewhere = [
        path
        for room in ("chassis", "services", "local")
        for path in Path(room).rglob("*.py")
        if path.name != "metrics.py"
        and re.search(r"prometheus_client import .*(Counter|Gauge|Histogram)", path.read_text())
    ]
    assert elsewhere == []
    for name in CATALOGUES:
        module: Any = importlib.import_module(name)
        assert "question" in (module.__doc__ or ""), name
