"""A service as a process of its own, beside a running system: what only a stop and a new start of it can show."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from local.ports import free_port
from tests.support.background import background
from tests.support.stack import Stack, token

pytestmark = pytest.mark.anyio
CLIENT_BEHIND_THE_GATEWAY = {"X-Forwarded-For": "203.0.113.9"}


@dataclass(frozen=True)
class Process:
    base_url: str
    process: "subprocess.Popen[bytes]"

    def call(self, method: str, path: str, bearer: str) -> int:
        headers = {"Authorization": f"Bearer {bearer}", **CLIENT_BEHIND_THE_GATEWAY}
        return httpx2.request(method, f"{self.base_url}{path}", headers=headers, timeout=40).status_code

    def told_to_stop(self) -> None:
        """What uvicorn does last is to end by the signal it was sent."""
        self.process.terminate()
        assert self.process.wait(40) == -signal.SIGTERM


@contextmanager
def intake(settings: Mapping[str, str], log: Path, **more: str) -> Iterator[Process]:
    base_url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "local", "service", "intake", "--port", str(port)]
    with background(command, log, f"{base_url}/health/ready", {**settings, **more}) as process:
        yield Process(base_url, process)


async def audited_from(settings: Mapping[str, str], entity: str) -> str | None:
    """The address in the audit, read from the table itself."""
    connection = await asyncpg.connect(settings["DATABASE_URL"])
    try:
        address: str | None = await connection.fetchval(
            "SELECT address FROM intake.audit WHERE $1 = ANY (entities)", entity
        )
        return address
    finally:
        await connection.close()


async def test_a_stop_loses_no_row_of_the_audit_and_a_new_start_undoes_no_revocation(
    stack: Stack, tmp_path: Path
) -> None:
    settings, log = stack.environments["intake"], tmp_path / "log"
    key = (await stack.as_("admin").post("/api/ops/keys", json={"source": "clinic"})).json()
    first, second = str(uuid4()), str(uuid4())
    with intake(settings, log, FORWARDED_ALLOW_IPS="127.0.0.1") as one:
        assert one.call("DELETE", f"/api/ops/keys/{key['id']}", token("admin")) == 204
        assert one.call("GET", f"/api/orders/{first}", token("admin")) == 404
        one.told_to_stop()
    # Reads are noted within half a second: this one was told to stop before that.
    assert await audited_from(settings, first) == "203.0.113.9"
    with intake(settings, log) as one:
        assert one.call("GET", "/api/session", key["key"]) == 401
        assert one.call("GET", f"/api/orders/{second}", token("admin")) == 404
        one.told_to_stop()
    # Nobody named a gateway: nobody is believed.
    assert await audited_from(settings, second) == "127.0.0.1"
