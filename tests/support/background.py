"""A program that runs while a test does: started, waited for until its address answers, ended with the test."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2


@contextmanager
def background(
    command: Sequence[str], log: Path, ready: str, env: Mapping[str, str] | None = None, seconds: float = 60
) -> Iterator["subprocess.Popen[bytes]"]:
    """`ready`: an address that answers 200 as soon as the program does its work."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **(env or {})}
        )
    try:
        until_ready(process, log, ready, seconds)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_ready(process: "subprocess.Popen[bytes]", log: Path, ready: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        assert process.poll() is None, f"ended at once: {log.read_text()[-2000:]}"
        assert time.monotonic() < end, f"not ready: {log.read_text()[-2000:]}"
        try:
            if httpx2.get(ready, timeout=2).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
