"""Keeps the all-in-one's processes alive, and ends them all when it ends.

Used so:

    async with Supervisor(say) as supervisor:
        await supervisor.start(postgres.child())      # returns once it answers
        await supervisor.start(broker.child())
        await migrate()
        await supervisor.start_together(services)
        await supervisor.wait()                       # Ctrl-C or SIGTERM leave the block
    # here everything has stopped, last started first
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Literal, Self

from local.process import Child, ChildFailed, Process

State = Literal["starting", "ready", "died", "stopping", "stopped"]
Progress = Callable[[str, State], None]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HEALTHY_AFTER = 5.0  # seconds: who lived this long is started again at once
_LONGEST_PAUSE = 1.5  # so that even one that keeps dying is back within 2 s


def pause_before_restart(young_deaths: int) -> float:
    """None after a healthy life, then longer each time that a child dies young."""
    return min(_LONGEST_PAUSE, 0.05 * 2.0**young_deaths) if young_deaths else 0.0


class Supervisor:
    """Leaving its block stops everything. A second signal, for the impatient, kills it."""

    def __init__(self, progress: Progress = lambda _name, _state: None) -> None:
        self._say = progress
        self._running: list[tuple[Process, asyncio.Task[None]]] = []
        self._owner: asyncio.Task[object] | None = None
        self._signalled = False
        self._leaving = False

    async def start(self, child: Child) -> Process:
        """Ready when it returns, and started again from then on whenever it dies.

        Raises ChildFailed where it does not come up at all: that is a fault to show, not to repeat.
        """
        process = Process(child)
        self._say(child.name, "starting")
        await process.start()
        self._say(child.name, "ready")
        self._running.append((process, asyncio.create_task(self._keep_alive(process))))
        return process

    async def start_together(self, children: Iterable[Child]) -> list[Process]:
        """As start, for children that do not need each other."""
        try:
            async with asyncio.TaskGroup() as group:
                starts = [group.create_task(self.start(child)) for child in children]
        except* ChildFailed as failed:
            raise failed.exceptions[0] from None
        return [start.result() for start in starts]

    async def wait(self) -> None:
        """For ever: a signal ends it from outside, by leaving the block."""
        await asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._owner = asyncio.current_task()
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._leaving = True
        try:
            await self._stop_all()
        finally:
            for number in _SIGNALS:
                asyncio.get_running_loop().remove_signal_handler(number)
        if not self._signalled or kind is not asyncio.CancelledError or self._owner is None:
            return False
        self._owner.uncancel()  # the cancellation was ours, see below, and ends here
        return True

    def _on_signal(self) -> None:
        if self._leaving:
            for process, _ in self._running:
                process.send(signal.SIGKILL)
        elif self._owner and not self._signalled:
            self._signalled = True
            self._owner.cancel()

    async def _stop_all(self) -> None:
        for _, keeper in self._running:
            keeper.cancel()
        await asyncio.gather(*(keeper for _, keeper in self._running), return_exceptions=True)
        for process, _ in reversed(self._running):
            self._say(process.child.name, "stopping")
            await process.stop()
            self._say(process.child.name, "stopped")
        self._running.clear()

    async def _keep_alive(self, process: Process) -> None:
        young_deaths = 0
        started_at = time.monotonic()
        while True:
            await process.wait()
            self._say(process.child.name, "died")
            young_deaths = 0 if time.monotonic() - started_at > _HEALTHY_AFTER else young_deaths + 1
            await asyncio.sleep(pause_before_restart(young_deaths))
            started_at = time.monotonic()
            await self._start_again(process)

    async def _start_again(self, process: Process) -> None:
        try:
            await process.start()
        except Exception:  # noqa: BLE001 - a full disk, no memory: whatever it is, it may pass; try again
            return
        self._say(process.child.name, "ready")
