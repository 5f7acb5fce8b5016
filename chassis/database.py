"""One service's PostgreSQL: transactions that save state and its events together.

    async with database.transaction() as tx:
        new = await tx.first_time(events)      # what was handled before has no effect again
        ...
        tx.emit(OrderAccepted(...))            # leaves with the commit, or not at all

Leaving the block is the one commit. SQL is written as SQL, one statement a batch.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, cast
from uuid import UUID

import asyncpg

from chassis import failpoints
from chassis.audit.entry import Entry, Row
from chassis.audit.table import write_rows
from chassis.ids import new_id
from chassis.messaging.codec import Codec
from chassis.messaging.inbox import remember_new
from chassis.messaging.outbox import Emission, write_outbox
from chassis.metrics import DATABASE_OUTAGES, FACTS_WRITTEN
from chassis.telemetry import current_traceparent
from schemas.event import Event, Fact

OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a session that the server ended at the very moment of its use
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""The database is away, starting, stopping, full, out of connections or its disk fails: waiting helps, giving up on an order does not."""


COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""Two transactions met: the loser simply runs again."""


class Cause(Protocol):
    """What made us emit: an event, or a job that remembers one."""

    @property
    def id(self) -> UUID: ...
    @property
    def trace(self) -> str | None: ...


@dataclass
class Transaction:
    """Work that commits as one. `connection` runs SQL; `emit` adds an event to what is committed."""

    connection: Any
    codec: Codec
    now: datetime
    _emissions: list[Emission] = field(default_factory=list)
    _audited: list[tuple[Entry, Row]] = field(default_factory=list)

    async def first_time(self, events: Sequence[Event]) -> list[Event]:
        """Those of `events` that this service has not handled before, in their order.

        What a repeated one caused earlier is marked unsent: replaying a source heals everything behind it.
        """
        return await remember_new(self.connection, events)

    def emit(self, fact: Fact, cause: Cause | None = None, trace: str | None = None) -> Event:
        """`trace`: where the work is not done in the caller's own task."""
        trace = trace or (cause.trace if cause else current_traceparent())
        event = Event(new_id(), self.codec.source, self.now, fact, trace, cause.id if cause else None)
        self._emissions.append(Emission.of(event, self.codec))
        return event

    def audit(self, entry: Entry | None, outcome: int, *entities: object) -> None:
        """Notes who did this, in the same commit. None: nobody did, an event or a loop did."""
        if entry is not None and entry.subject is not None:
            self._audited.append((entry, entry.row(self.now, outcome, *entities)))

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        return cast("list[asyncpg.Record]", await self.connection.fetch(sql, *args))

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        return cast("asyncpg.Record | None", await self.connection.fetchrow(sql, *args))

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> int:
        """Runs one statement; returns how many rows it touched."""
        status = cast("str", await self.connection.execute(sql, *args))
        last = status.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    def count_facts(self) -> None:
        """Once they are committed."""
        for emission in self._emissions:
            FACTS_WRITTEN.labels(emission.event.source, type(emission.event.data).__name__).inc()

    @property
    def emitted(self) -> bool:
        return bool(self._emissions)

    async def write_events(self) -> None:
        """The last thing before the commit; `Database.transaction` calls it."""
        if self._emissions:
            await write_outbox(self.connection, self._emissions)
        if self._audited:
            await write_rows(self.connection, [row for _, row in self._audited])

    def committed(self) -> None:
        for entry, _ in self._audited:
            entry.written = True


async def _no_reset(_: Any) -> None:
    """Asyncpg asks the server to forget session state at each release; transactions here leave none behind."""


class Database:
    """A pool of connections to one service's schema. Opens lazily: a service starts while PostgreSQL is away."""

    def __init__(self, url: str, codec: Codec, connections: int = 6) -> None:
        self.outbox_filled = asyncio.Event()
        """Set after each commit that emitted: wakes the relay of this process."""
        self._url, self._codec, self._connections = url, codec, connections
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await self._open()
        return self._pool

    async def _open(self) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._connections,
            reset=_no_reset,
            timeout=5,
            command_timeout=60,
            max_inactive_connection_lifetime=300,
            server_settings={"application_name": f"careplan-{self._codec.source}", "search_path": self._codec.source},
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._connection() as connection:
            async with connection.transaction():
                tx = Transaction(connection, self._codec, datetime.now(UTC))
                yield tx
                await tx.write_events()
            tx.committed()
            if failpoints.armed:
                await failpoints.reach("commit")
            if tx.emitted:
                self.outbox_filled.set()
                tx.count_facts()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A connection without a transaction, for single reads."""
        async with self._connection() as connection:
            tx = Transaction(connection, self._codec, datetime.now(UTC))
            yield tx
            if tx.emitted or tx._audited:  # noqa: SLF001 (its own)
                raise RuntimeError("an event leaves with a commit, and this was no transaction")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """For several reads that must agree: all of them see the same moment."""
        async with self.reading() as db, db.connection.transaction(isolation="repeatable_read", readonly=True):
            yield db

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """Counts an outage whoever meets it, a request as well as a loop."""
        try:
            pool = await self.pool()
            async with pool.acquire(timeout=10) as connection:
                yield connection
        except OUTAGES as error:
            DATABASE_OUTAGES.labels(self._codec.source, type(error).__name__).inc()
            raise

    async def is_ready(self) -> bool:
        try:
            async with asyncio.timeout(2), self.reading() as db:
                return bool(await db.fetchval("SELECT true"))
        except OUTAGES:
            return False

    async def connections(self) -> tuple[int, int]:
        """How many are in use, of how many."""
        pool = await self.pool()
        return pool.get_size() - pool.get_idle_size(), self._connections

    async def close(self) -> None:
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()


def ids(rows: Sequence[asyncpg.Record], column: str = "id") -> set[UUID]:
    return {row[column] for row in rows}
