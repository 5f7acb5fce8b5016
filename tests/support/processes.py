"""What tests ask of processes."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


def lives(process: int) -> bool:
    """False for a zombie too: in a container, nobody may ever collect an orphan."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def ends(process: int, seconds: float = 45) -> bool:
    """Waits for it, the event loop too."""
    end = time.monotonic() + seconds
    while lives(process):
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def command_of(process: psutil.Process) -> list[str]:
    """Nothing for one that has just died: a zombie has no command line."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:  # what psutil calls a zombie is one of these
        return []


@contextmanager
def paused(*pids: int) -> Iterator[None]:
    """SIGSTOP, with all children; SIGCONT when the block ends."""
    everybody = [process for pid in pids for process in (psutil.Process(pid), *psutil.Process(pid).children(True))]
    for process in everybody:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in everybody:
            if process.is_running():
                process.send_signal(signal.SIGCONT)
