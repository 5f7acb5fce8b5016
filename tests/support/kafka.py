"""Apache Kafka itself, one small node, for the tests that must see the real thing.

Needs Java 17 and Maven. The same small interface as
`local.broker.EmbeddedBroker`, so that a test takes either.
"""

import asyncio
import shutil
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from local.broker import answers
from local.ports import free_port
from local.process import Child, Process
from tests.support.commands import run_command
from tests.support.maven import jars, version
from tests.support.processes import paused

_POM = Path(__file__).with_name("kafka.pom.xml")

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes=4194304
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class Broker(Protocol):
    """What a test may do to a broker, whichever it is."""

    @property
    def bootstrap_servers(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def kill(self) -> None: ...
    async def wipe(self) -> None: ...


def kafka_jars() -> Path:
    return jars(_POM)


def kafka_version() -> str:
    return version(_POM)


class ApacheKafka:
    """A single node in KRaft combined mode. Its data outlives stop() and kill(), not wipe()."""

    format_options: tuple[str, ...] = ()

    def __init__(self, home: Path | None = None) -> None:
        self._jars = self._find_jars()
        self._own_home = home is None
        self.home = (home or Path(tempfile.mkdtemp(prefix="careplan-kafka-"))).absolute()
        self.port = free_port()
        self._controller = free_port()
        self._process = Process(self.child())

    def _find_jars(self) -> Path:
        return kafka_jars()

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def port_of_the_operator(self) -> int:
        """Where nobody is asked who they are."""
        return self.port

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.home / "kafka.log"

    def child(self) -> Child:
        return Child(
            name="kafka",
            command=self._java("-Xmx512m", "-XX:+UseSerialGC", "kafka.Kafka", str(self._properties)),
            log=self.log,
            prepare=lambda: asyncio.to_thread(self._prepare),
            ready=self._is_in_service,
            ready_within=180.0,
        )

    async def _is_in_service(self) -> bool:
        """Its controller has let it in: before that it answers, knows of no broker, and makes no topic."""
        if not await answers(self.port_of_the_operator):
            return False
        client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{self.port_of_the_operator}")
        try:
            await client.bootstrap()
            return bool(client.cluster._brokers)
        except KafkaError:
            return False
        finally:
            await client.close()

    async def start(self) -> None:
        await self._process.start()

    async def stop(self) -> None:
        await self._process.stop()

    async def kill(self) -> None:
        await self._process.kill()

    def paused(self) -> AbstractContextManager[None]:
        assert self.pid
        return paused(self.pid)

    async def wipe(self) -> None:
        """Stops, and forgets every topic, message and offset."""
        await self.stop()
        shutil.rmtree(self._data, ignore_errors=True)

    async def forget(self) -> None:
        """Drops every topic, and with them what groups committed: as good as a new node to the next test, and quicker."""
        if self.pid is None:
            await self.start()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            topics = [topic for topic in await admin.list_topics() if not topic.startswith("__")]
            if topics:
                await admin.delete_topics(topics)
            async with asyncio.timeout(120):
                while set(await admin.list_topics()) & set(topics) or await _is_committed(admin):
                    await asyncio.sleep(0.05)
        finally:
            await admin.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if self._own_home:
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    @property
    def _properties(self) -> Path:
        return self.home / "server.properties"

    def _java(self, *arguments: str) -> list[str]:
        # Stopping the JIT at its first level halves the time to start, and tests end before the second pays.
        return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", f"{self._jars}/*", *arguments]

    def configuration(self) -> str:
        return _PROPERTIES.format(port=self.port, controller=self._controller, data=self._data)

    def _prepare(self) -> None:
        if (self._data / "meta.properties").exists():
            return
        self._data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self.configuration())
        cluster = "Y2FyZXBsYW4tdGVzdHMwMA"  # any 16 bytes, in base64
        format_ = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties), *self.format_options
        )
        run_command(format_, seconds=180).well()


async def _is_committed(admin: AIOKafkaAdminClient) -> bool:
    """Whether a group still has offsets: they go a moment after their topics, and who found them would begin there in a new one."""
    try:
        return any([await admin.list_consumer_group_offsets(group) for group, _ in await admin.list_consumer_groups()])
    except KafkaError as error:
        if not error.retriable:
            raise
        return True  # a node that has just started does not know yet
