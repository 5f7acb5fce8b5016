"""The systems that are measured, each started by itself in a fresh folder and stopped again: ours, and the peer."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from local.ports import free_port
from tests.support.kafka import ApacheKafka

LOAD = PROJECT / "bench" / "load"
PEER = PROJECT / "bench" / "peer_django_celery"
_POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
_READY_SECONDS = 120


class System:
    """What the load script needs to find a running system, and which processes it is made of."""

    def __init__(
        self, adapter: str, environment: dict[str, str], roots: list[int], ready_seconds: float | None = None
    ) -> None:
        self.adapter, self.environment, self.roots, self.ready_seconds = adapter, environment, roots, ready_seconds

    def load(self, *arguments: str) -> dict[str, Any]:
        """One run of the load script; its result."""
        with tempfile.NamedTemporaryFile(suffix=".json") as result:
            subprocess.run(
                [sys.executable, "load.py", *arguments, "--adapter", self.adapter, "--json", result.name],
                cwd=LOAD,
                env=self.environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            answer: dict[str, Any] = json.loads(Path(result.name).read_text())
            return answer

    def idle_millicores(self, seconds: float = 10) -> float:
        before = self._cpu()
        time.sleep(seconds)
        return round((self._cpu() - before) / seconds * 1000, 1)

    def processes(self) -> Iterator[psutil.Process]:
        for root in map(psutil.Process, self.roots):
            yield from (root, *root.children(recursive=True))

    def _cpu(self) -> float:
        total = 0.0
        for process in self.processes():
            try:
                total += sum(process.cpu_times()[:2])
            except psutil.Error:
                pass
        return total


@contextmanager
def ours(**environment: str) -> Iterator[System]:
    """The all-in-one as `make up` starts it, in a folder that is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="careplan-bench-"))
    folder.chmod(0o755)
    settings = {**os.environ, "CAREPLAN_HOME": str(folder / "home"), "CAREPLAN_PORT": str(free_port()), **environment}
    output, began = folder / "up.log", time.monotonic()
    with output.open("wb") as log:
        up = subprocess.Popen([sys.executable, "-m", "local", "up"], cwd=PROJECT, env=settings, stdout=log, stderr=log)
    try:
        _wait(lambda: "Ready:" in output.read_text(), up, output)
        yield System("careplan", settings, [up.pid], time.monotonic() - began)
    finally:
        up.terminate()
        up.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ours_on_kafka(**environment: str) -> Iterator[System]:
    """The all-in-one on an Apache Kafka of one node, which counts among its processes."""
    with tempfile.TemporaryDirectory(prefix="kafka-bench-") as folder, asyncio.Runner() as runner:
        kafka = ApacheKafka(Path(folder))
        runner.run(kafka.start())
        try:
            address = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "KAFKA_REPLICATION": "1"}
            with ours(**address, **environment) as system, file_with(kafka.pid) as pid_file:
                system.roots.append(kafka.pid)
                system.environment["CAREPLAN_MORE_PIDFILES"] = pid_file
                yield system
        finally:
            runner.run(kafka.stop())


@contextmanager
def file_with(pid: int) -> Iterator[str]:
    """By which the load script counts a process in."""
    with tempfile.NamedTemporaryFile("w", suffix=".pid") as file:
        file.write(f"{pid}\n")
        file.flush()
        yield file.name


@contextmanager
def peer() -> Iterator[System]:
    """Django, DRF, Celery, Redis and PostgreSQL 15; Debian's packages `postgresql-15` and `redis-server` are needed."""
    if not (_POSTGRES_15 / "initdb").exists() or not shutil.which("redis-server"):
        raise SystemExit("The peer needs Debian's packages: apt-get install postgresql-15 redis-server")
    python = _peer_python()
    folder = Path(tempfile.mkdtemp(prefix="peer-bench-"))
    folder.chmod(0o755)
    data = folder / "postgres"
    data.mkdir()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(data, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        [_POSTGRES_15 / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"],
        check=True,
        **quiet,
        **as_user,
    )
    database = subprocess.Popen([_POSTGRES_15 / "postgres", "-D", data, "-p", "55432", "-k", data], **quiet, **as_user)
    redis = subprocess.Popen(["redis-server", "--port", "56379", "--save", "", "--appendonly", "no"], **quiet)
    run = folder / "run"
    environment = {**os.environ, "PEER_VENV": str(python.parent.parent), "PEER_RUN": str(run)}
    try:
        psql = ["psql", "-h", "127.0.0.1", "-p", "55432", "-U", "postgres", "-c"]
        _wait(lambda: subprocess.run([*psql, "SELECT 1"], **quiet).returncode == 0, database, None)
        subprocess.run([*psql, "CREATE DATABASE peer"], check=True, **quiet)
        subprocess.run(["./run.sh", "start"], cwd=PEER, env=environment, check=True, **quiet)
        files = [run / f"{name}.pid" for name in ("gunicorn", "celery")]
        _wait(lambda: all(_is_at_work(file) for file in files), database, None)
        pids = [int(file.read_text()) for file in files]
        yield System("peer", environment, [*pids, database.pid, redis.pid])
    finally:
        subprocess.run(["./run.sh", "stop"], cwd=PEER, env=environment, check=False, **quiet)
        time.sleep(3)
        for process, signal_ in ((redis, signal.SIGTERM), (database, signal.SIGINT)):
            process.send_signal(signal_)  # PostgreSQL would wait for those who are connected yet
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _peer_python() -> Path:
    """The peer has packages of its own, which nobody wants among ours."""
    python = PROJECT / ".cache" / "peer-venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", PEER / "requirements.txt"], check=True)
    return python


def _is_at_work(pid_file: Path) -> bool:
    """It has its workers. Celery writes the file, takes it away and writes it again while it starts."""
    try:
        return bool(psutil.Process(int(pid_file.read_text())).children())
    except (OSError, ValueError, psutil.NoSuchProcess):
        return False


def _wait(is_ready: Any, process: subprocess.Popen[bytes], output: Path | None) -> None:
    end = time.monotonic() + _READY_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"It did not start. {output.read_text() if output else ''}")
        time.sleep(0.1)
