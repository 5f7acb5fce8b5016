"""The embedded PostgreSQL: durable, discreet, and back after anything."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from local import postgres_leftovers
from local.postgres import EmbeddedPostgres
from local.postgres_leftovers import PostgresAlreadyRunning
from tests.support.commands import speaking
from tests.support.processes import lives

pytestmark = pytest.mark.anyio


@pytest.fixture
def home() -> Iterator[Path]:
    """Not tmp_path: pytest closes that to other users, and as root PostgreSQL runs as one."""
    folder = Path(tempfile.mkdtemp(prefix="careplan-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def session(postgres: EmbeddedPostgres) -> "AsyncIterator[asyncpg.Connection]":
    connection = await asyncpg.connect(postgres.url, ssl=False)
    try:
        yield connection
    finally:
        await connection.close()


async def test_postgres_is_durable_and_has_what_migrations_need(home: Path) -> None:
    async with EmbeddedPostgres(home) as postgres, session(postgres) as sql:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await sql.fetchval(f"SHOW {setting}") == "on"
        await sql.execute("CREATE EXTENSION vector; CREATE EXTENSION pg_trgm")
        assert await sql.fetchval("SELECT current_database()") == "careplan"


async def test_postgres_listens_on_this_machine_only(home: Path) -> None:
    async with EmbeddedPostgres(home) as postgres:
        sockets = psutil.Process(postgres.pid).net_connections(kind="all")
        listening = {socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN}
        assert listening == {("127.0.0.1", postgres.port)}
        assert not [socket for socket in sockets if socket.family.name == "AF_UNIX" and socket.laddr]


async def test_postgres_starts_again_after_kill_nine_with_its_data(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    await postgres.start()
    async with session(postgres) as sql:
        await sql.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        # A session in the middle of a long query does not notice that its server has died.
        busy = asyncio.create_task(sql.execute("SELECT count(*) FROM generate_series(1, 1000000000)"))
        await asyncio.sleep(0.1)
        await postgres.kill()
        await postgres.start()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await busy
    async with session(postgres) as sql:
        assert await sql.fetchval("SELECT answer FROM kept") == 42
    await postgres.stop()


async def test_postgres_keeps_its_port_and_its_files_the_second_time(home: Path) -> None:
    async with EmbeddedPostgres(home) as first:
        url = first.url
        made = (first.data / "PG_VERSION").stat()
    async with EmbeddedPostgres(home) as second:
        assert second.url == url
        again = (second.data / "PG_VERSION").stat()
        assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns), "made once: it is there at once"


async def test_postgres_takes_another_port_where_its_own_is_taken(home: Path) -> None:
    async with EmbeddedPostgres(home) as first:
        taken = first.port
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", taken)
    async with server, EmbeddedPostgres(home) as second:
        assert second.port != taken


async def test_postgres_starts_although_its_lock_names_a_stranger(home: Path) -> None:
    """After a reboot, or in a container, the number of the killed server soon is somebody else's."""
    async with EmbeddedPostgres(home) as postgres:
        data = postgres.data
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    async with postgres:
        assert postgres.pid


async def test_a_second_postgres_on_the_same_data_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_leftovers, "_ENDS_WITHIN", 0.1)
    async with EmbeddedPostgres(home) as first:
        with pytest.raises(PostgresAlreadyRunning):
            await EmbeddedPostgres(home).start()
        async with session(first) as sql:
            assert await sql.fetchval("SELECT 1") == 1


async def test_postgres_log_never_holds_parameters(home: Path) -> None:
    name = "Jane Roe"
    async with EmbeddedPostgres(home) as postgres, session(postgres) as sql:
        await sql.execute("CREATE TABLE patients (name text UNIQUE, born date)")
        await sql.execute("INSERT INTO patients (name) VALUES ($1)", name)
        for statement in (
            "INSERT INTO patients (name) VALUES ($1)",  # not unique: the detail would quote the key
            "SELECT $1::text::date",  # the message itself quotes the value
            "SELECT $1::text::jsonb",  # the context quotes the line
        ):
            with pytest.raises(asyncpg.PostgresError):
                await sql.fetch(statement, name)
        with pytest.raises(asyncpg.PostgresError):
            await sql.execute(f"SELECT no_such_function('{name}')")
        await _crash_while_running(f"SELECT pg_sleep(600), '{name}'", postgres, sql)
        await _recovered(postgres)
    log = postgres.log.read_text()
    assert "ready to accept connections" in log
    assert "terminated by signal 9" in log
    assert name not in log


async def _crash_while_running(statement: str, postgres: EmbeddedPostgres, sql: "asyncpg.Connection") -> None:
    """The server logs what a crashed session was running, as a detail of its own message."""
    victim = await asyncpg.connect(postgres.url, ssl=False)
    process = victim.get_server_pid()
    running = asyncio.create_task(victim.execute(statement))
    async with asyncio.timeout(60):
        while not await sql.fetchval("SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1", process):
            await asyncio.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        await running
    while not sql.is_closed():
        await asyncio.sleep(0.01)


async def _recovered(postgres: EmbeddedPostgres) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(asyncpg.PostgresError, OSError):
                async with session(postgres):
                    return
            await asyncio.sleep(0.01)


_PARENT = """
import asyncio, sys
from pathlib import Path
from local.postgres import EmbeddedPostgres
async def main():
    async with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
        print(postgres.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_postgres_ends_with_a_killed_parent_and_starts_under_the_next(home: Path) -> None:
    with speaking([sys.executable, "-c", _PARENT, str(home)]) as parent:
        assert parent.stdout
        orphan = int(parent.stdout.readline())
        parent.kill()
        parent.wait(60)
    async with EmbeddedPostgres(home) as postgres:
        assert postgres.pid != orphan
        assert not lives(orphan)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_as_root_postgres_runs_as_nobody_even_where_nobody_may_not_walk(home: Path) -> None:
    home.chmod(0o700)
    postgres = EmbeddedPostgres(home)
    async with postgres:
        assert psutil.Process(postgres.pid).username() == "nobody"
        assert psutil.Process(postgres.pid).gids().real == postgres.data.stat().st_gid
        assert postgres.data.stat().st_mode & 0o077 == 0
    await postgres.wipe()
