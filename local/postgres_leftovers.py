"""What an earlier PostgreSQL left behind on the same data, `kill -9` included, and how it ends."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ENDS_WITHIN = 10.0


class PostgresAlreadyRunning(RuntimeError):
    def __init__(self, data: Path, process: int) -> None:
        super().__init__(f"another PostgreSQL (process {process}) serves {data}: stop it first")


def cluster_name(data: Path) -> str:
    """Stands in the title of every process of the server, so that orphans can be told from others."""
    return "careplan-" + hashlib.sha256(bytes(data)).hexdigest()[:12]


def settle(data: Path) -> None:
    """Makes room for a start: waits for a server that is ending, removes what a killed one left."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    _wait_for_end(lock, data)
    # Sessions notice the death of their server only between two steps of a query. While one of them
    # goes on, the shared memory counts as in use and no new server starts.
    title = f"postgres: {cluster_name(data)}: "
    for process, command in _processes():
        if command.startswith(title):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _wait_for_end(lock: Path, data: Path) -> None:
    deadline = time.monotonic() + _ENDS_WITHIN
    while (process := _holder(lock)) is not None:
        command = next((command for number, command in _processes() if number == process), "")
        if str(data) not in command:
            # Its number was given to a stranger since. PostgreSQL itself would refuse to start.
            lock.unlink(missing_ok=True)
        elif time.monotonic() > deadline:
            raise PostgresAlreadyRunning(data, process)
        else:
            time.sleep(0.02)


def _holder(lock: Path) -> int | None:
    """The process that the lock file names, where it lives."""
    try:
        process = int(lock.read_text().split("\n", 1)[0])
        os.kill(process, 0)
    except PermissionError:
        return process  # a stranger's
    except (OSError, ValueError):
        return None
    return process


def _processes() -> Iterator[tuple[int, str]]:
    """Every process that we may see, with its command line or title."""
    if sys.platform != "linux":
        yield from _processes_by_ps()
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _processes_by_ps() -> Iterator[tuple[int, str]]:
    listing = subprocess.run(
        ["ps", "-axo", "pid=,command="],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in listing.stdout.splitlines():
        process, _, command = line.strip().partition(" ")
        yield int(process), command
