"""What tests of the chassis share: a service's database, small facts, and things to wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from chassis.crypto import Keyring, new_key
from chassis.database import Database
from chassis.ids import new_id
from chassis.messaging.codec import Codec
from chassis.postgres_role import role_of
from chassis.security import TokenSigner, new_signing_key
from chassis.settings import ServiceSettings
from local.broker import EmbeddedBroker
from local.environment import SERVICES, with_role
from schemas.event import Event
from schemas.intake import CarePlanRequested, OrderReceived
from schemas.order import Order, Patient, Provider
from schemas.validation import OrderWarned
from tests.support.databases import ROLE_PASSWORD
from tests.support.kafka import Broker

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
RING = Keyring.parse(f"test:{new_key()}")


def codec_of(service: str) -> Codec:
    return Codec(service, RING)


def role_url(owner_url: str, service: str) -> str:
    return with_role(owner_url, role_of(service), ROLE_PASSWORD)


def database_of(owner_url: str, service: str, connections: int = 6) -> Database:
    """As the service itself opens it: with its own role, in its own schema."""
    return Database(role_url(owner_url, service), codec_of(service), connections)


async def empty(owner_url: str) -> None:
    """Deletes what the chassis keeps, in every service's schema."""
    tables = ("outbox", "outbox_sent", "inbox", "dead_letters", "idempotency")
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(
            ";".join(f"DELETE FROM {service}.{table}" for service in SERVICES for table in tables)
            + ";DELETE FROM generator.jobs"
        )
    finally:
        await connection.close()


def an_order(**changes: Any) -> Order:
    order = Order(
        patient=Patient(first_name="Ana", last_name="Bell", mrn="012345", date_of_birth=date(1979, 6, 8)),
        provider=Provider(name="Dr. Jane Lee", npi="1234567893"),
        primary_diagnosis="G70.00",
        medication="IVIG",
        patient_records="Generalised myasthenia gravis.",
        order_date=date(2026, 2, 5),
    )
    return order.model_copy(update=changes)


def order_received(order_id: UUID | None = None, **changes: Any) -> OrderReceived:
    return OrderReceived(order_id=order_id or new_id(), source="web", submitted_at=NOON, order=an_order(**changes))


def asked_again(order_id: UUID | None = None, attempt: int = 2) -> CarePlanRequested:
    """The smallest fact that intake writes."""
    return CarePlanRequested(order_id=order_id or new_id(), attempt=attempt)


def warned(order_id: UUID | None = None, attempt: int = 1) -> OrderWarned:
    """The smallest fact that validation writes."""
    return OrderWarned(order_id=order_id or new_id(), attempt=attempt, findings=())


def an_event(fact: Any = None, source: str = "intake", **more: Any) -> Event:
    return Event(new_id(), source, NOON, fact or asked_again(), **more)


async def stops_when_told(loop: Coroutine[Any, Any, None], woken: asyncio.Event, steps: int) -> bool:
    """Whether a loop that waits for `woken` ends when it is cancelled `steps` turns of the event loop after that was set."""
    looping = asyncio.create_task(loop)
    await asyncio.sleep(0.01)
    woken.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    looping.cancel()
    await asyncio.wait([looping], timeout=30)
    return looping.cancelled()


async def until(happened: Callable[[], Awaitable[object] | object], seconds: float = 45) -> Any:
    """What `happened()` gives, once that is true; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            seen = happened()
            if isinstance(seen, Awaitable):
                seen = await seen
            if seen:
                return seen
            await asyncio.sleep(0.005)


def settings_for(broker: Broker, **more: Any) -> ServiceSettings:
    """As a service has them with this broker, for what talks to Kafka alone."""
    values = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "KAFKA_EMBEDDED": isinstance(broker, EmbeddedBroker),
        "KAFKA_PARTITIONS": 3,
        "KAFKA_SESSION_SECONDS": 1,
        "CAREPLAN_ENCRYPTION_KEYS": f"test:{new_key()}",
        "CAREPLAN_TOKEN_PUBLIC_KEYS": TokenSigner(new_signing_key()).public_keys(),
    }
    return ServiceSettings(**{**values, **more})


async def everything_on(broker: Broker, topic: str) -> list[ConsumerRecord]:
    """All messages of a topic from its beginning, each partition in its order."""
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest"
    ) as reader:
        partitions = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()]
        left = {place: end for place, end in (await reader.end_offsets(partitions)).items() if end}
        found: list[ConsumerRecord] = []
        while left:
            for place, records in (await reader.getmany(timeout_ms=200)).items():
                found += records
                if records[-1].offset + 1 >= left.get(place, 0):
                    left.pop(place, None)
        return found
