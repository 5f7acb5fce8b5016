"""A hash chain over the audit: whoever changes, removes or inserts a sealed row breaks it, and `verify` says where.

A seal holds the digest of the seal before it and of every row since, in the order of ids. Each digest is logged too: a copy
of the last one outside the database shows even that all of the chain was made anew, or its end cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chassis.database import Database, Transaction
from chassis.telemetry import log

_SEAL_EVERY_SECONDS = 5.0
_LARGEST_SEAL = 10_000
_BEFORE_ALL = -(2**63)
_LOCK_KEY = "careplan.audit"

_LINES = """
SELECT id, json_build_array(id, (extract(epoch FROM at) * 1000000)::bigint, subject, acting_as, token_id, action, entities,
                            address, outcome)::text AS line
FROM audit WHERE id > $1 AND id <= $2 ORDER BY id
"""
_DIGEST = """
sha256($3::bytea || convert_to(
    json_build_array($4::bigint, (extract(epoch FROM $5::timestamptz) * 1000000)::bigint)::text || E'\\n' ||
    string_agg(line, E'\\n' ORDER BY id), 'UTF8'))
"""
_SEAL = f"""
INSERT INTO audit_seals (number, last_id, rows, sealed_at, digest)
SELECT $4::bigint, max(id), count(*), $5::timestamptz, {_DIGEST} FROM ({_LINES} LIMIT {_LARGEST_SEAL}) AS t HAVING count(*) > 0
RETURNING number, rows, digest
"""
_RECOMPUTE = f"SELECT count(*) AS rows, {_DIGEST} AS digest FROM ({_LINES}) AS t"
_LAST = "SELECT number, last_id, digest FROM audit_seals ORDER BY number DESC LIMIT 1"
_NEWEST = "SELECT max(id) FROM audit"

# A row's id is given before its transaction commits, and a later one may commit first. Writers lock the table before they get
# an id: whoever does not hold that lock now, and has written no row that we can see, will get ids above the newest.
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE relation = 'audit'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Sealer:
    """Runs in every replica; one at a time seals."""

    service: str
    database: Database

    async def run(self) -> None:
        while True:
            await self.seal_all()
            await asyncio.sleep(_SEAL_EVERY_SECONDS)

    async def seal_all(self) -> int:
        """Seals whatever is settled; returns how many rows."""
        async with self.database.reading() as db:
            newest = await _settled(db)
        sealed, rows = 0, -1
        while newest is not None and rows:
            rows = await self._seal(newest)
            sealed += rows
        return sealed

    async def _seal(self, newest: int) -> int:
        async with self.database.transaction() as tx:
            await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1 || current_schema()))", _LOCK_KEY)
            last = await tx.fetchrow(_LAST)
            number, after, before = (last["number"], last["last_id"], last["digest"]) if last else (0, _BEFORE_ALL, b"")
            seal = await tx.fetchrow(_SEAL, after, newest, before, number + 1, tx.now)
        if seal is None:
            return 0
        log.info(
            "audit.sealed", service=self.service, seal=seal["number"], rows=seal["rows"], digest=seal["digest"].hex()
        )
        return int(seal["rows"])


async def _settled(db: Transaction) -> int | None:
    """The newest id below which no row can appear any more: waits for those who are just writing."""
    newest: int | None = await db.fetchval(_NEWEST)
    writers = {row["virtualtransaction"] for row in await db.fetch(_WRITERS)}
    while newest is not None and writers:
        await asyncio.sleep(0.02)
        writers &= {row["virtualtransaction"] for row in await db.fetch(_WRITERS)}
    return newest


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the chain found. `broken` is empty where every seal holds."""

    seals: int
    rows: int
    unsealed: int
    last_number: int
    last_digest: str
    broken: tuple[str, ...]


async def verify(connection: Any, known: dict[int, str] | None = None) -> Verified:
    """Recomputes every seal. `known`: digests by number, kept elsewhere, that the chain must still hold."""
    number, after, before, rows, broken = 0, _BEFORE_ALL, b"", 0, []
    digests: dict[int, str] = {}
    async for seal in _seals(connection):
        number += 1
        if seal["number"] != number:
            broken.append(f"seal {number} is missing")
            number = seal["number"]
        found = await connection.fetchrow(_RECOMPUTE, after, seal["last_id"], before, seal["number"], seal["sealed_at"])
        rows += found["rows"]
        if found["digest"] != seal["digest"]:
            broken.append(_what_is_wrong(seal, found["rows"], after))
        after, before = seal["last_id"], seal["digest"]
        digests[number] = before.hex()
    broken += [f"seal {n} is not the one that was kept" for n, kept in (known or {}).items() if digests.get(n) != kept]
    unsealed = await connection.fetchval("SELECT count(*) FROM audit WHERE id > $1", after)
    return Verified(len(digests), rows, unsealed, number, before.hex(), tuple(broken))


async def _seals(connection: Any) -> AsyncIterator[Any]:
    """In pages: a chain of years is long."""
    number = 0
    while page := await connection.fetch(
        "SELECT * FROM audit_seals WHERE number > $1 ORDER BY number LIMIT 1000", number
    ):
        for seal in page:
            yield seal
        number = page[-1]["number"]


def _what_is_wrong(seal: Any, found: int, after: int) -> str:
    where = f"seal {seal['number']} (rows {max(after, 0) + 1} to {seal['last_id']}, {seal['sealed_at']:%Y-%m-%d %H:%M})"
    if found < seal["rows"]:
        return f"{where}: {seal['rows'] - found} removed"
    if found > seal["rows"]:
        return f"{where}: {found - seal['rows']} inserted"
    return f"{where}: changed"
