"""Both brokers that tests run against: the embedded one, and Apache Kafka where it can be had."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from local.broker import EmbeddedBroker, answers
from tests.support.kafka import Broker
from tests.support.kafka_ways import apache_kafka
from tests.support.maven import JarsUnavailable

pytestmark = pytest.mark.anyio

_LARGE = 4 * 1024 * 1024


@pytest.fixture(params=["embedded", "apache"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    try:
        chosen = EmbeddedBroker(log=tmp_path / "broker.log") if request.param == "embedded" else apache_kafka(tmp_path)
    except JarsUnavailable as reason:
        pytest.skip(str(reason))
    async with chosen:
        yield chosen


async def _topic(broker: Broker, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=12, replication_factor=1)])
    await admin.close()


async def _send(broker: Broker, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers, acks="all", max_request_size=_LARGE + 100_000
    )
    await producer.start()
    for number, value in enumerate(values):
        await producer.send_and_wait(topic, value, key=str(number).encode())
    await producer.stop()


def _consumer(broker: Broker, topic: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap_servers,
        group_id="readers",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # A second join on the embedded broker takes twice this, beyond 1 s; Kafka takes no less than 6 s.
        session_timeout_ms=1_000 if isinstance(broker, EmbeddedBroker) else 6_000,
        heartbeat_interval_ms=300,
        max_partition_fetch_bytes=_LARGE + 100_000,
    )


async def _read(consumer: AIOKafkaConsumer, count: int) -> list[bytes]:
    values: list[bytes] = []
    async with asyncio.timeout(60):
        while len(set(values)) < count:  # a member that was slow for a second reads on from its last commit
            for messages in (await consumer.getmany(timeout_ms=1000)).values():
                values += [message.value for message in messages]
    return values


async def test_a_group_reads_what_was_written_and_goes_on_where_it_committed(broker: Broker) -> None:
    await _topic(broker, "orders")
    await _send(broker, "orders", b"one", b"two", b"x" * (_LARGE - 100_000))
    async with _consumer(broker, "orders") as consumer:
        assert {value[:3] for value in await _read(consumer, 3)} == {b"one", b"two", b"xxx"}
        await consumer.commit()
    await _send(broker, "orders", b"four")
    async with _consumer(broker, "orders") as consumer:
        assert await _read(consumer, 1) == [b"four"]


async def test_a_wiped_broker_comes_back_on_its_port_with_nothing(broker: Broker) -> None:
    await _topic(broker, "orders")
    address = broker.bootstrap_servers
    await broker.kill()
    await broker.wipe()
    await broker.start()
    assert broker.bootstrap_servers == address
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    assert "orders" not in await admin.list_topics()
    await admin.close()


async def test_the_embedded_broker_listens_on_this_machine_only(tmp_path: Path) -> None:
    async with EmbeddedBroker(log=tmp_path / "broker.log") as broker:
        sockets = psutil.Process(broker.pid).net_connections(kind="inet")
        listening = {socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN}
        assert listening == {("127.0.0.1", broker.port)}


async def test_a_stopped_broker_does_not_answer(tmp_path: Path) -> None:
    broker = EmbeddedBroker(log=tmp_path / "broker.log")
    async with broker:
        assert await answers(broker.port)
    assert not await answers(broker.port)
