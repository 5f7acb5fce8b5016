"""A program that runs while a test does: started, waited for until its address answers, ended with the test."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from local.lifeline import tie
from tests.support.commands import end_group


@contextmanager
def background(
    command: Sequence[str], log: Path, ready: str, env: Mapping[str, str] | None = None, seconds: float = 180
) -> Iterator["subprocess.Popen[bytes]"]:
    """`ready`: an address that answers 200 as soon as the program does its work. Ends with the block, and all it started too."""
    process = begin(command, log, env)
    try:
        until_ready(process, log, ready, seconds)
        yield process
    finally:
        finish(process)


def begin(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.Popen[bytes]":
    """In a group of its own, and tied to this process: a test that is killed leaves nothing behind."""
    tied, before_exec = tie(command, signal.SIGKILL)
    with log.open("ab") as output:
        return subprocess.Popen(
            tied,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - one system call, nothing that takes a lock
        )


def finish(process: "subprocess.Popen[bytes]", seconds: float = 20) -> None:
    """Asks it to end; after `seconds`, and for whatever it left in its group, there is no asking."""
    try:
        process.terminate()
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        end_group(process)


def until_ready(process: "subprocess.Popen[bytes]", log: Path, ready: str, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while True:
        assert process.poll() is None, f"ended at once: {log.read_text()[-2000:]}"
        assert time.monotonic() < end, f"not ready: {log.read_text()[-2000:]}"
        try:
            if httpx2.get(ready, timeout=20).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
