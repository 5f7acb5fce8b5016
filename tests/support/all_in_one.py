"""`python -m local up` as a newcomer runs it: a process of its own, with a home of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from local.ports import free_port, is_free
from tests.support.background import begin
from tests.support.commands import end_group

PROJECT = Path(__file__).parents[2]


class AllInOne:
    """A home, a port, and the process that serves them while it runs."""

    def __init__(self, home: Path, project: Path = PROJECT, **environment: str) -> None:
        self.home, self.port, self._project = home, _port_before_free_ones(), project
        self._environment = {**os.environ, "CAREPLAN_HOME": str(home), "CAREPLAN_PORT": str(self.port), **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self.output = home.with_suffix(".out")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, seconds: float = 180) -> float:
        """Returns after how many seconds the system was ready."""
        started = time.monotonic()
        self.output.unlink(missing_ok=True)
        command = [sys.executable, "-m", "local", "up"]
        self._process = begin(command, self.output, self._environment, self._project)
        while "Ready:" not in self.output.read_text():
            if self._process.poll() is not None or time.monotonic() - started > seconds:
                raise AssertionError(f"not ready: {self.output.read_text()[-2000:]}")
            time.sleep(0.05)
        return time.monotonic() - started

    def everybody(self) -> list[psutil.Process]:
        """The parent named in the pid file, and all its descendants."""
        parent = psutil.Process(int((self.home / "careplan.pid").read_text()))
        return [parent, *parent.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 60) -> int:
        assert self._process
        self._process.send_signal(number)
        return self._process.wait(seconds)

    def kill_everything(self) -> None:
        for process in self.everybody():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        assert self._process
        self._process.wait(60)

    def credentials(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "demo-credentials.json").read_text())
        return content

    def as_(self, role: str, base_url: str | None = None) -> httpx2.Client:
        token = next(a["token"] for a in self.credentials()["staff"] if role in a["roles"])
        return httpx2.Client(
            base_url=base_url or self.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=40
        )

    def until(self, client: httpx2.Client, order_id: str, status: str, seconds: float = 60) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                shown = client.get(f"/api/orders/{order_id}").json()
            except httpx2.TransportError:
                shown = {}
            if shown.get("status") == status:
                return shown
            time.sleep(0.05)
        raise AssertionError(f"order {order_id} is {shown.get('status')}, not {status}")


def _port_before_free_ones() -> int:
    """With CAREPLAN_SEPARATE each service has one of the next five."""
    while True:
        port = free_port()
        if all(is_free(port + number) for number in range(1, 6)):
            return port


@contextmanager
def all_in_one(home: Path, project: Path = PROJECT, **environment: str) -> Iterator[AllInOne]:
    system = AllInOne(home, project, **environment)
    try:
        yield system
    finally:
        if system._process:
            end_group(system._process)
        # As root its data are a link's target, since PostgreSQL's user cannot reach pytest's folders, and pytest forgets the link only.
        shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
