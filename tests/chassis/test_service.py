"""A service put together: it starts and stops at any time, and outlives what it stands on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from chassis import service as chassis_service
from chassis.messaging import outbox
from chassis.messaging.nudges import Nudges
from chassis.service import Parts, Subscription, assemble
from schemas.event import Event
from schemas.topics import CAREPLANS, ORDERS
from tests.support.chassis import asked_again, everything_on, role_url, settings_for, until
from tests.support.kafka import Broker

pytestmark = pytest.mark.anyio


class _Service:
    """Intake's chassis with nothing of intake in it."""

    def __init__(self, settings: Any, nudges: Nudges | None = None) -> None:
        self.parts = Parts.of("intake", settings, nudges)
        self.handled: list[Event] = []
        subscription = Subscription((CAREPLANS,), CAREPLANS.facts, self._handle)
        self.app = assemble(self.parts, subscription, [])

    async def _handle(self, events: Sequence[Event]) -> None:
        self.handled.extend(events)

    async def emit(self, count: int) -> None:
        async with self.parts.database.transaction() as tx:
            for _ in range(count):
                tx.emit(asked_again())

    async def all_sent(self) -> bool:
        async with self.parts.database.reading() as db:
            return not await db.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")


@asynccontextmanager
async def _running(service: _Service) -> AsyncIterator[_Service]:
    async with service.app.router.lifespan_context(service.app):
        yield service


@pytest.fixture
def settings(database_url: str, broker: Broker) -> Any:
    return settings_for(broker, DATABASE_URL=role_url(database_url, "intake"))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a limit, instead of being told, waits longer than these tests allow."""
    monkeypatch.setattr(chassis_service, "_DRAIN_SECONDS", 600.0)
    monkeypatch.setattr(outbox, "_SAFETY_POLL_SECONDS", 600.0)


async def test_it_sends_what_it_emits_and_stops_when_told_without_waiting_for_anything(
    settings: Any, broker: Broker, patient: None
) -> None:
    async with _running(_Service(settings)) as service:
        await service.emit(20)
        await until(service.all_sent)
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 60
    assert len(await everything_on(broker, ORDERS.name)) == 20


async def test_a_process_for_requests_leaves_its_events_to_the_one_for_events_and_wakes_it(
    settings: Any, broker: Broker, patient: None
) -> None:
    nudges = Nudges()
    requests = _Service(settings.model_copy(update={"runs": "requests"}), nudges)
    events = _Service(settings.model_copy(update={"runs": "events"}), nudges)
    async with _running(requests):
        await requests.emit(3)
        await asyncio.sleep(0.3)
        assert not await requests.all_sent()
        async with _running(events):
            await until(requests.all_sent)
            await requests.emit(1)
            await until(requests.all_sent)
    assert len(await everything_on(broker, ORDERS.name)) == 4


async def test_a_process_for_events_answers_for_its_health_only(settings: Any) -> None:
    app = _Service(settings.model_copy(update={"runs": "events"})).app
    assert set(app.openapi()["paths"]) == {"/health/live", "/health/ready", "/metrics"}


async def test_it_starts_and_stops_while_broker_and_database_are_away(
    settings: Any, broker: Broker, patient: None
) -> None:
    await broker.kill()
    away = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    async with _running(_Service(away)):
        await asyncio.sleep(0.2)
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 60


async def test_p9_what_was_emitted_while_the_broker_was_away_is_sent_when_it_is_back(
    settings: Any, broker: Broker
) -> None:
    async with _running(_Service(settings)) as service:
        await service.emit(5)
        await until(service.all_sent)
        await broker.kill()
        await service.emit(5)
        await broker.start()
        await until(service.all_sent, 90)


async def test_p1_a_broker_wiped_under_a_running_service_has_everything_again(settings: Any, broker: Broker) -> None:
    async with _running(_Service(settings)) as service:
        await service.emit(20)
        await until(service.all_sent)
        await broker.kill()
        await broker.wipe()
        await broker.start()
        await until(lambda: _distinct(broker), 90)


async def _distinct(broker: Broker) -> bool:
    try:
        return len({record.value for record in await everything_on(broker, ORDERS.name)}) == 20
    except (KafkaError, TimeoutError):  # the topic is not back yet
        return False
