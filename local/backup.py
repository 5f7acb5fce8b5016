"""`python -m local backup|restore`: everything that a home keeps, as one file, and an empty home made from it.

One file holds the database at one moment, the documents, and the keys without which neither can be read: whoever has the
file has the patients. Kafka is not in it: what it forgets, the services send again.
"""

import asyncio
import os
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from chassis.postgres_role import role_of
from local.environment import SERVICES
from local.home import Home, HomeIsTaken
from local.postgres import EmbeddedPostgres
from local.postgres_files import binaries

_DUMP = "database.dump"
_KEPT = ("secrets.json", "documents")


class CannotRestore(RuntimeError):
    """What stands in the way, as a person can mend it."""


async def backup(home: Home, file: Path) -> None:
    """While the system runs, or while it does not. The file is there whole or not at all, and only its owner reads it."""
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, os.fdopen(descriptor, "wb") as out:
        dump = Path(folder) / _DUMP
        async with _database(home) as url:
            await _run("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={url}")
        with tarfile.open(fileobj=out, mode="w") as archive:
            archive.add(dump, _DUMP)
            # After the dump: a document is written before the row that names it, so none that a row names is missing.
            for name in _KEPT:
                if (home.folder / name).exists():
                    archive.add(home.folder / name, name)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


async def restore(home: Home, file: Path) -> None:
    """Into a home that has nothing yet, and a database without our schemas. `up` then carries on from there."""
    if any((home.folder / name).exists() for name in (*_KEPT, "postgres")):
        raise CannotRestore(f"{home.folder} is not empty: set CAREPLAN_HOME to a new folder")
    home.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.folder) as folder, tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
        async with _database(home) as url:
            await _make_room(url)
            dump = str(Path(folder) / _DUMP)
            await _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={url}", dump)
        # Last: a home with keys is one that was restored to the end.
        for name in reversed(_KEPT):
            if (Path(folder) / name).exists():
                (Path(folder) / name).rename(home.folder / name)


@asynccontextmanager
async def _database(home: Home) -> AsyncIterator[str]:
    """The owner's URL: of DATABASE_URL, of the system that runs, or of its PostgreSQL, started for us alone."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    postgres = EmbeddedPostgres(home.folder)
    try:
        with home.alone(seconds=0):
            async with postgres:
                yield postgres.url
    except HomeIsTaken:
        postgres.port = int((home.folder / "postgres.port").read_text())
        yield postgres.url


async def _make_room(url: str) -> None:
    """The roles that the dump grants rights to; `migrate` gives them their passwords."""
    connection = await asyncpg.connect(url)
    try:
        taken = await connection.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)", list(SERVICES))
        if taken:
            raise CannotRestore("The database has orders already: restore into an empty one")
        for service in SERVICES:
            if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role_of(service)):
                await connection.execute(f"CREATE ROLE {role_of(service)} LOGIN")
    finally:
        await connection.close()


async def _run(program: str, *arguments: str) -> None:
    command = [str(binaries(for_all=False) / program), *arguments]
    run = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{program} failed: {run.stderr.strip()[:500]}")
