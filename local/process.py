"""One child process: started, waited for until it answers, stopped within a time limit."""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

from local.lifeline import tie

_LOOK_EVERY = 0.01

GIVES_BACK = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""glibc's settings for a process that takes much for a batch: what is free again goes back to the machine. By itself glibc
keeps more with each large piece that it has ever given out; in PostgreSQL's thirty processes that is 35 MB after a burst."""


class ChildFailed(RuntimeError):
    """A child that ended, or stayed silent, before it was ready. Its log tells more."""

    def __init__(self, child: "Child", why: str) -> None:
        super().__init__(f"{child.name} {why}; see {child.log}")


@dataclass(frozen=True, kw_only=True)
class Child:
    """What to run, how to know that it answers, and how it wants to be stopped."""

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None  # None: the parent's
    cwd: Path | None = None
    user: tuple[int, int] | None = None  # the user and group to become, where the parent is root
    prepare: Callable[[], Awaitable[object]] | None = None  # before each start, restarts included
    ready: Callable[[], Awaitable[bool]] | None = None  # asked again and again; None: at once
    ready_within: float = 120.0  # a small machine that is busy takes a while
    stop_signal: Signals = signal.SIGTERM
    stop_within: float = 15.0
    force_signal: Signals = signal.SIGKILL  # when stop_within is over
    orphan_signal: Signals = signal.SIGKILL  # when the parent is gone


@dataclass
class Process:
    """A running `Child`. Works with any event loop; start it from the main thread (see lifeline)."""

    child: Child
    _popen: subprocess.Popen[bytes] | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen and not self._ended.is_set() else None

    async def start(self) -> None:
        """Returns when the child is ready. Raises ChildFailed, and leaves nothing running, if it is not."""
        if self.child.prepare:
            await self.child.prepare()
        self._spawn()
        try:
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise

    def _spawn(self) -> None:
        command, before_exec = tie(self.child.command, self.child.orphan_signal)
        uid, gid = self.child.user or (None, None)
        self.child.log.parent.mkdir(parents=True, exist_ok=True)
        with self.child.log.open("ab") as log:
            self._popen = subprocess.Popen(
                command,
                env=self.child.env,
                cwd=self.child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                # Ctrl-C in a terminal goes to a whole session: children hear of it from us, in order.
                start_new_session=True,
                preexec_fn=before_exec,  # noqa: PLW1509 - two system calls, nothing that takes a lock
            )
        self._ended = asyncio.Event()
        reaper = (self._popen, self._ended, asyncio.get_running_loop())
        threading.Thread(target=_reap, args=reaper, daemon=True).start()

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + self.child.ready_within
        while not self._ended.is_set():
            if self.child.ready is None or await self.child.ready():
                return
            if time.monotonic() > deadline:
                raise ChildFailed(self.child, f"did not answer within {self.child.ready_within:g} s")
            await asyncio.sleep(_LOOK_EVERY)
        raise ChildFailed(self.child, f"ended at once ({await self.wait()})")

    async def wait(self) -> int:
        """The exit code, once it ends. Whatever it started and left in its group ends with it."""
        await self._ended.wait()
        if self._popen is None or self._popen.returncode is None:
            message = f"{self.child.name} was never started"
            raise RuntimeError(message)
        return self._popen.returncode

    async def stop(self) -> None:
        """Asks, waits, then forces. Safe to repeat."""
        steps = (
            (self.child.stop_signal, self.child.stop_within),
            (self.child.force_signal, 5.0),
            (signal.SIGKILL, 5.0),
        )
        for number, limit in steps:
            if self.pid is None:
                return
            self.send(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await self._ended.wait()

    async def kill(self) -> None:
        """As a crash would: no warning, nothing tidied up."""
        if self.pid is not None:
            self.send(signal.SIGKILL)
            await self._ended.wait()

    def send(self, number: Signals) -> None:
        if self._popen is not None:
            self._popen.send_signal(number)


def _reap(popen: subprocess.Popen[bytes], ended: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    popen.wait()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(ended.set)
