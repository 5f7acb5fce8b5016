"""Long work as rows: leased to one worker at a time, fenced by a generation, tried again with backoff.

    async with worker.room() as room, database.transaction() as tx:
        ...
        await room.add_jobs(tx, jobs)      # leased to this worker at once, as far as it has room

A worker that was paused past its lease finds its generation gone, and every write of its job fails harmlessly.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from opentelemetry.trace import SpanKind

from chassis.database import COLLISIONS, OUTAGES, Database, Transaction
from chassis.pacing import is_set_within, pause_after
from chassis.telemetry import UNTRACED, Tracing, log

JOBS_TABLE = """
CREATE TABLE jobs (
    id           uuid        PRIMARY KEY,
    subject      uuid        NOT NULL,
    attempt      integer     NOT NULL,
    cause_id     uuid        NOT NULL,
    trace        text,
    due_at       timestamptz NOT NULL DEFAULT now(),
    generation   integer     NOT NULL DEFAULT 0,
    billed_tries integer     NOT NULL DEFAULT 0,
    free_tries   integer     NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_job_an_attempt UNIQUE (subject, attempt)
);
CREATE INDEX jobs_due ON jobs (due_at)
"""

# The first $6 are leased with the same words as in _CLAIM.
_ADD = """
INSERT INTO jobs (id, subject, attempt, cause_id, trace, due_at, generation, billed_tries)
SELECT id, subject, attempt, cause_id, trace, now() + leased * $7::interval, leased, leased
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[]) WITH ORDINALITY
        AS new (id, subject, attempt, cause_id, trace, place)
    CROSS JOIN LATERAL (SELECT (place <= $6)::integer AS leased) AS ours
ON CONFLICT DO NOTHING RETURNING id, subject, attempt, cause_id, trace, generation, billed_tries, free_tries
"""

# A lease is a due time in the future: a worker that dies leaves a job that is due again when the lease ends.
# The try is counted before the call, so that one which may have been billed is never forgotten by a crash.
_CLAIM = """
UPDATE jobs SET due_at = now() + $2::interval, generation = generation + 1, billed_tries = billed_tries + 1
WHERE id IN (SELECT id FROM jobs WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id, subject, attempt, cause_id, trace, generation, billed_tries, free_tries
"""

_EXTEND = """
UPDATE jobs SET due_at = now() + $3::interval FROM unnest($1::uuid[], $2::integer[]) AS mine (id, generation)
WHERE jobs.id = mine.id AND jobs.generation = mine.generation RETURNING jobs.id
"""

_POSTPONE = """
UPDATE jobs SET due_at = now() + $3::interval, billed_tries = billed_tries - $4::integer,
                free_tries = free_tries + $4::integer
WHERE id = $1 AND generation = $2
"""

# A try that was cut off still counts, it may have been billed; $3 is 1 where nobody began it, and it does not.
_GIVE_BACK = """
UPDATE jobs SET due_at = now(), billed_tries = billed_tries - $3::integer FROM unnest($1::uuid[], $2::integer[]) AS mine (id, generation)
WHERE jobs.id = mine.id AND jobs.generation = mine.generation
"""

_FINISH = """
DELETE FROM jobs USING unnest($1::uuid[], $2::integer[]) AS mine (id, generation)
WHERE jobs.id = mine.id AND jobs.generation = mine.generation RETURNING jobs.id
"""


_OUTAGE_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 0.02
"""Between claims: longer, and workers stand idle."""


@dataclass(frozen=True, slots=True)
class NewJob:
    id: UUID
    subject: UUID
    attempt: int
    cause_id: UUID
    trace: str | None


@dataclass(slots=True)
class Lease:
    """Until when nobody else takes a job, by our own clock, which goes on while a process is paused."""

    until: float

    @property
    def ran_out(self) -> bool:
        return time.monotonic() > self.until


@dataclass(frozen=True, slots=True)
class Job:
    """A job under lease. `billed_tries` counts this try too; `cause_id` and `trace` are the asking event's."""

    id: UUID
    subject: UUID
    attempt: int
    cause_id: UUID
    trace: str | None
    generation: int
    billed_tries: int
    free_tries: int
    lease: Lease

    @property
    def cause(self) -> "JobCause":
        return JobCause(self.cause_id, self.trace)


@dataclass(frozen=True, slots=True)
class JobCause:
    """The event that asked for a job, as far as a job remembers it."""

    id: UUID
    trace: str | None


@dataclass
class Room:
    """How many jobs a worker can begin at once, and until when, by its own clock, it leases them."""

    places: int = 0
    lease: timedelta = timedelta(0)
    until: float = 0.0
    leased: list[Job] = field(default_factory=list)
    is_too_small: bool = False

    async def add_jobs(self, tx: Transaction, jobs: Sequence[NewJob]) -> list[Job]:
        """Those that are leased by it; the others wait for whoever has room. One an attempt: what is there already is let be."""
        if not jobs:
            return []
        columns = zip(*((j.id, j.subject, j.attempt, j.cause_id, j.trace) for j in jobs), strict=True)
        rows = await tx.fetch(_ADD, *map(list, columns), self.places, self.lease)
        self.leased = [Job(**dict(row), lease=Lease(self.until)) for row in rows if row["generation"]]
        self.is_too_small = len(rows) > len(self.leased)
        return self.leased


@asynccontextmanager
async def no_room() -> AsyncIterator[Room]:
    """Where no worker is: jobs wait."""
    yield Room()


async def finish_jobs(tx: Transaction, jobs: Sequence[Job]) -> set[UUID]:
    """Removes those still under their lease's generation; returns their ids. The others belong to a successor now."""
    rows = await tx.fetch(_FINISH, [job.id for job in jobs], [job.generation for job in jobs])
    return {row["id"] for row in rows}


async def postpone_job(tx: Transaction, job: Job, delay: timedelta, *, billed: bool) -> None:
    """Gives the job back, due again after `delay`. A try that nobody billed does not count."""
    await tx.execute(_POSTPONE, job.id, job.generation, delay, 0 if billed else 1)


@dataclass
class Worker:
    """Runs due jobs, at most `concurrency` at once; `do` finishes or postpones its job in its own transactions.

    A job whose `do` raises stays leased and is due again when the lease ends. Who stops lets what runs finish for a
    moment, and gives back the rest: its successor need not wait for the leases to end.
    """

    database: Database
    do: Callable[[Job], Awaitable[None]]
    concurrency: int = 64
    lease: timedelta = timedelta(seconds=60)
    safety_poll_seconds: float = 1.0
    finish_within_seconds: float = 3.0
    tracing: Tracing = UNTRACED
    _running: dict[UUID, tuple[Job, "asyncio.Task[None]"]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _more_may_wait: bool = False
    _works: bool = False
    _claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Who has it may count on the room that is left."""
    _never_begun: list[Job] = field(default_factory=list)

    async def run(self) -> None:
        heartbeat = asyncio.create_task(self._keep_leases())
        self._works = True
        try:
            while True:
                try:
                    await self._start_what_is_due()
                except (*OUTAGES, *COLLISIONS) as error:
                    # What runs goes on: it was paid for, and its lease outlasts a short outage.
                    log.warning("jobs.not_claimed", exc=error)
                    await asyncio.sleep(_OUTAGE_PAUSE_SECONDS)
        finally:
            self._works = False
            await self._stop()
            heartbeat.cancel()

    @asynccontextmanager
    async def room(self) -> AsyncIterator[Room]:
        """Jobs that a transaction within the block adds are begun after it, without being looked for."""
        async with self._claiming:
            room = Room(self._places, self.lease, self._lease_end())
            try:
                yield room
            except BaseException:
                # Not committed, as a rule. Where the line broke at that very moment nobody knows, and nobody begins them.
                self._never_begun += room.leased
                self._wake.set()
                raise
            for job in room.leased:
                self._start(job)
            if room.is_too_small:
                self._wake.set()

    @property
    def _places(self) -> int:
        return max(0, self.concurrency - len(self._running)) if self._works else 0

    async def _stop(self) -> None:
        if self._running:
            await asyncio.wait([task for _, task in self._running.values()], timeout=self.finish_within_seconds)
        left = [job for job, _ in self._running.values()]
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            if left:
                await self._give_back(left)
                log.info("leases.given_back", jobs=len(left))
            await self._return_what_nobody_began()
        except Exception as error:  # the leases end by themselves
            log.warning("leases.not_given_back", jobs=len(left), exc=error)

    async def _return_what_nobody_began(self) -> None:
        if jobs := list(self._never_begun):
            await self._give_back(jobs, uncounted=1)
            del self._never_begun[: len(jobs)]

    async def _give_back(self, jobs: Sequence[Job], uncounted: int = 0) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(_GIVE_BACK, [job.id for job in jobs], [job.generation for job in jobs], uncounted)

    async def _start_what_is_due(self) -> None:
        self._wake.clear()
        await self._return_what_nobody_began()
        async with self._claiming:
            places = self._places
            claimed = await self._claim(places) if places else []
            for job in claimed:
                self._start(job)
            # A claim that filled all the room may have left others waiting: the next job that ends looks again at once.
            self._more_may_wait = len(claimed) >= places
        await asyncio.sleep(pause_after(len(claimed), longest_seconds=_LONGEST_PAUSE_SECONDS))
        await self._until_woken()

    def _start(self, job: Job) -> None:
        if job.id in self._running:  # it lost its lease, to ourselves
            self._running[job.id][1].cancel()
        task = asyncio.create_task(self._do(job))
        self._running[job.id] = (job, task)

    async def _do(self, job: Job) -> None:
        try:
            with self.tracing.span("write plan", SpanKind.INTERNAL, job.trace, {"order.id": str(job.subject)}):
                await self.do(job)
        except Exception as error:
            log.error("job.failed", job_id=str(job.id), order_id=str(job.subject), exc=error)
        finally:
            if self._running.get(job.id, (None,))[0] is job:
                del self._running[job.id]
            if self._more_may_wait:
                self._wake.set()

    async def _claim(self, limit: int) -> list[Job]:
        until = self._lease_end()
        async with self.database.transaction() as tx:
            return [Job(**dict(row), lease=Lease(until)) for row in await tx.fetch(_CLAIM, limit, self.lease)]

    def _lease_end(self) -> float:
        """Taken before the database is asked: never later than what it says."""
        return time.monotonic() + self.lease.total_seconds()

    async def _until_woken(self) -> None:
        # The poll finds jobs that were postponed, or that a dead worker left behind.
        await is_set_within(self._wake, self.safety_poll_seconds)

    async def _keep_leases(self) -> None:
        """Extends what runs; a job that lost its lease is cancelled, since nothing it does can count."""
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            mine = [job for job, _ in self._running.values()]
            if not mine:
                continue
            until = self._lease_end()
            try:
                async with self.database.transaction() as tx:
                    rows = await tx.fetch(_EXTEND, [j.id for j in mine], [j.generation for j in mine], self.lease)
            except Exception as error:  # whatever it is: without heartbeats every job would run, and be billed, twice
                log.warning("lease.not_extended", jobs=len(mine), exc=error)
                continue
            kept = {row["id"] for row in rows}
            for job in mine:
                if job.id in kept:
                    job.lease.until = until
                elif job.id in self._running and self._running[job.id][0] is job:
                    self._running[job.id][1].cancel()
