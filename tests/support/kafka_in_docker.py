"""Apache Kafka in a container, for a machine with Docker and without Java: Apache's own image, by testcontainers.

What needs its files or its process keeps to Maven: the guarded Kafka, whose users are written when its storage is
formatted; chaos, which signals processes; and the benchmarks, which measure them.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from docker.errors import APIError, DockerException, NotFound
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from tests.support.kafka import ApacheKafka, kafka_version
from tests.support.maven import JarsBroken, JarsUnavailable

_HEAP = {"KAFKA_HEAP_OPTS": "-Xmx512m", "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}


def docker_answers() -> bool:
    try:
        return bool(DockerClient(timeout=10).client.ping())
    except DockerException:
        return False


class KafkaInDocker(ApacheKafka):
    """Its data lives in the container: it outlives stop() and kill(), not wipe()."""

    _data = Path("/var/lib/kafka/data")

    def __init__(self, home: Path | None = None) -> None:
        super().__init__(home)
        self._recipe = DockerContainer(f"apache/kafka:{kafka_version()}").with_envs(**self._environment(), **_HEAP)
        self._recipe.ports[f"{self.port}/tcp"] = ("127.0.0.1", self.port)  # type: ignore[assignment]  # this machine only
        self._container: Any = None  # docker has no types
        _fetch(self._recipe.get_docker_client().client.images, self._recipe.image)

    def _find_jars(self) -> Path:
        return Path("/opt/kafka/libs")  # in the image

    @property
    def pid(self) -> int | None:
        """Whether it runs. Docker may run in a machine of its own: nobody here may send signals to this number."""
        if self._container is None:
            return None
        self._container.reload()
        return self._container.attrs["State"]["Pid"] or None

    async def start(self) -> None:
        try:
            await asyncio.to_thread(self._start)
            async with asyncio.timeout(180):
                while not await self._is_in_service():
                    assert self.pid, f"Apache Kafka ended: {self._container.logs(tail=30).decode()}"
                    await asyncio.sleep(0.1)
        except BaseException:
            await self.stop()
            raise

    def _start(self) -> None:
        if self._container is None:
            self._container = self._recipe.start().get_wrapped_container()
        else:
            self._container.start()

    def _environment(self) -> dict[str, str]:
        """Apache's image makes its properties of these, and formats the storage."""
        properties = dict(line.split("=", 1) for line in self.configuration().splitlines())
        properties["listeners"] = f"PLAINTEXT://0.0.0.0:{self.port},CONTROLLER://127.0.0.1:{self._controller}"
        return {f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in properties.items()}

    async def stop(self) -> None:
        if self.pid:
            await asyncio.to_thread(self._container.stop, timeout=15)

    async def kill(self) -> None:
        if self.pid:
            await asyncio.to_thread(self._container.kill)
            await asyncio.to_thread(self._container.wait)

    async def wipe(self) -> None:
        if self._container is not None:
            await asyncio.to_thread(self._recipe.stop)  # which removes it
            self._container = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._container.pause()
        try:
            yield
        finally:
            self._container.unpause()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self.wipe()


def _fetch(images: Any, image: str) -> None:
    """As with Maven: left out where no registry answers, but in CI; an image that the registry does not have is a failure."""
    try:
        if not images.list(image):
            images.pull(image)
    except NotFound:
        raise
    except APIError as error:
        reason = f"Apache Kafka left out: Docker cannot fetch {image} ({error.explanation})"
        raise (JarsBroken if os.environ.get("CI") else JarsUnavailable)(reason) from error
