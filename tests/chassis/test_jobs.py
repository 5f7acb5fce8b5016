"""Long work: leased to one, fenced, tried again; what was paid for is not thrown away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from chassis.database import Database
from chassis.ids import new_id
from chassis.messaging.jobs import Job, NewJob, Room, Worker, finish_jobs, postpone_job
from tests.support.chassis import until

pytestmark = pytest.mark.anyio

_LONG = timedelta(seconds=60)


def _new(subject: Any = None, attempt: int = 1) -> NewJob:
    return NewJob(new_id(), subject or new_id(), attempt, new_id(), "trace")


async def _add(database: Database, *jobs: NewJob) -> None:
    async with database.transaction() as tx:
        await Room().add_jobs(tx, jobs)


async def _execute(database: Database, sql: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(sql)


async def _rows(database: Database) -> list[Any]:
    async with database.reading() as db:
        return await db.fetch("SELECT *, due_at <= now() AS due FROM jobs ORDER BY id")


async def _finish(database: Database, *jobs: Job) -> int:
    async with database.transaction() as tx:
        return len(await finish_jobs(tx, jobs))


async def _nothing(_: Job) -> None: ...


@asynccontextmanager
async def _working(database: Database, do: Callable[[Job], Awaitable[None]], **settings: Any) -> AsyncIterator[Worker]:
    worker = Worker(database, do, **{"safety_poll_seconds": 0.02, "finish_within_seconds": 0.05, **settings})
    task = asyncio.create_task(worker.run())
    try:
        await until(lambda: worker._works)
        yield worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _finishing(database: Database, seen: list[Job]) -> Callable[[Job], Awaitable[None]]:
    """Work that is done at once, and noted."""

    async def do(job: Job) -> None:
        seen.append(job)
        assert await _finish(database, job) == 1

    return do


async def test_a_job_is_done_once_and_finishing_removes_it(generator: Database) -> None:
    new, done = _new(), list[Job]()
    await _add(generator, new)
    async with _working(generator, _finishing(generator, done)):
        await until(lambda: done)
        await until(lambda: _is_empty(generator))
    (job,) = done
    assert (job.id, job.subject, job.attempt, job.cause.id, job.cause.trace) == (
        new.id,
        new.subject,
        1,
        new.cause_id,
        "trace",
    )
    assert (job.generation, job.billed_tries, job.free_tries) == (1, 1, 0)


async def _is_empty(database: Database) -> bool:
    return not await _rows(database)


async def test_one_job_an_attempt_however_often_it_is_asked_for(generator: Database) -> None:
    first = _new()
    await _add(generator, first, _new(first.subject), _new(first.subject, attempt=2))
    await _add(generator, _new(first.subject))
    await _add(generator)
    assert {(row["subject"], row["attempt"]) for row in await _rows(generator)} == {
        (first.subject, 1),
        (first.subject, 2),
    }


async def test_a_leased_job_is_nobody_elses_until_the_lease_ends(generator: Database) -> None:
    await _add(generator, _new())
    mine, other = Worker(generator, _nothing, lease=_LONG), Worker(generator, _nothing, lease=_LONG)
    (job,) = await mine._claim(10)
    assert await other._claim(10) == []
    await _execute(generator, "UPDATE jobs SET due_at = now()")  # its worker died, and the lease ran out
    (again,) = await other._claim(10)
    assert (again.generation, again.billed_tries) == (job.generation + 1, job.billed_tries + 1)


async def test_many_workers_at_once_never_lease_one_job_twice(generator: Database) -> None:
    await _add(generator, *(_new() for _ in range(100)))
    workers = [Worker(generator, _nothing, lease=_LONG) for _ in range(6)]
    claims = await asyncio.gather(*(worker._claim(30) for worker in workers))
    leased = [job.id for claim in claims for job in claim]
    assert len(leased) == len(set(leased)) == 100


async def test_p11_a_worker_paused_past_its_lease_can_neither_finish_nor_postpone_nor_extend(
    generator: Database,
) -> None:
    await _add(generator, _new())
    worker = Worker(generator, _nothing, lease=_LONG)
    (paused,) = await worker._claim(1)
    await _execute(generator, "UPDATE jobs SET due_at = now()")
    (successor,) = await worker._claim(1)
    before = await _rows(generator)
    assert await _finish(generator, paused) == 0
    async with generator.transaction() as tx:
        await postpone_job(tx, paused, timedelta(days=1), billed=True)
    assert await _rows(generator) == before
    assert await _finish(generator, successor) == 1
    assert await _finish(generator, successor) == 0


async def test_a_postponed_try_counts_only_where_it_was_billed(generator: Database) -> None:
    await _add(generator, _new())
    worker = Worker(generator, _nothing, lease=_LONG)
    counted = []
    for billed in (False, False, True, False):
        (job,) = await worker._claim(1)
        counted.append((job.billed_tries, job.free_tries))
        async with generator.transaction() as tx:
            await postpone_job(tx, job, timedelta(0), billed=billed)
    (last,) = await worker._claim(1)
    assert counted == [(1, 0), (1, 1), (1, 2), (2, 2)]
    assert (last.billed_tries, last.free_tries) == (2, 3)


async def test_a_postponed_job_is_due_again_after_its_pause(generator: Database) -> None:
    await _add(generator, _new())
    tries = []

    async def do(job: Job) -> None:
        tries.append(asyncio.get_running_loop().time())
        async with generator.transaction() as tx:
            await postpone_job(tx, job, timedelta(seconds=0.15), billed=False)

    async with _working(generator, do):
        await until(lambda: len(tries) >= 3)
    assert all(later - earlier >= 0.15 for earlier, later in pairwise(tries))


async def test_a_worker_runs_as_many_as_it_may_at_once_and_no_more(generator: Database) -> None:
    await _add(generator, *(_new() for _ in range(12)))
    running, most, left = 0, 0, asyncio.Event()

    async def do(job: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await left.wait()
        running -= 1
        await _finish(generator, job)

    async with _working(generator, do, concurrency=5):
        await until(lambda: running == 5)
        left.set()
        await until(lambda: _is_empty(generator))
    assert most == 5


async def test_more_jobs_than_room_are_taken_without_waiting_for_the_poll(generator: Database) -> None:
    await _add(generator, *(_new() for _ in range(40)))

    async def do(job: Job) -> None:
        await _finish(generator, job)

    async with _working(generator, do, concurrency=4, safety_poll_seconds=600), asyncio.timeout(60):
        await until(lambda: _is_empty(generator))


async def _add_in(worker: Worker, *jobs: NewJob) -> list[Job]:
    async with worker.room() as room, worker.database.transaction() as tx:
        return await room.add_jobs(tx, jobs)


async def test_a_job_that_is_made_where_there_is_room_is_begun_at_once_and_nobody_looks_for_it(
    generator: Database,
) -> None:
    done: list[Job] = []
    async with _working(generator, _finishing(generator, done), safety_poll_seconds=600) as worker:
        new = _new()
        (job,) = await _add_in(worker, new)
        await until(lambda: done == [job])
        assert (job.id, job.cause_id, job.trace) == (new.id, new.cause_id, "trace")
        assert (job.generation, job.billed_tries, job.free_tries) == (1, 1, 0)
        await until(lambda: _is_empty(generator))


async def test_a_job_that_is_made_where_there_is_room_is_under_lease_from_the_first(generator: Database) -> None:
    async with _working(generator, _forever, safety_poll_seconds=600) as worker:
        await _add_in(worker, _new())
        assert await Worker(generator, _nothing)._claim(10) == []


async def _forever(_: Job) -> None:
    await asyncio.Event().wait()


async def test_what_a_worker_has_no_room_for_waits_and_is_taken_as_soon_as_there_is(generator: Database) -> None:
    running, most, done, left = 0, 0, list[int](), asyncio.Event()

    async def do(job: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await left.wait()
        running -= 1
        done.append(await _finish(generator, job))

    async with _working(generator, do, safety_poll_seconds=600, concurrency=3) as worker:
        leased = await asyncio.gather(*(_add_in(worker, _new(), _new()) for _ in range(4)))
        assert [len(jobs) for jobs in leased] == [2, 1, 0, 0]
        left.set()
        await until(lambda: _is_empty(generator))
    assert (most, done) == (3, [1] * 8)


async def test_a_worker_that_stopped_has_no_room_and_another_takes_what_it_adds(generator: Database) -> None:
    await generator.pool()  # cut off while it opens, asyncpg has its error where nobody hears it
    async with _working(generator, _nothing) as stopped:
        pass
    assert await _add_in(stopped, _new()) == []
    (job,) = await Worker(generator, _nothing)._claim(10)
    assert (job.generation, job.billed_tries) == (1, 1)


async def test_a_job_that_was_not_committed_is_not_begun(generator: Database) -> None:
    begun: list[Job] = []
    async with _working(generator, _finishing(generator, begun), safety_poll_seconds=600) as worker:
        with pytest.raises(ZeroDivisionError):
            async with worker.room() as room, generator.transaction() as tx:
                await room.add_jobs(tx, [_new()])
                raise ZeroDivisionError
        await until(lambda: not worker._never_begun)
    assert (begun, await _rows(generator)) == ([], [])


async def test_a_job_of_which_nobody_knows_whether_it_was_committed_is_due_at_once_and_no_try_counts(
    generator: Database,
) -> None:
    begun: list[Job] = []
    async with _working(generator, _finishing(generator, begun), safety_poll_seconds=600, lease=_LONG) as worker:
        with pytest.raises(ConnectionResetError):
            async with worker.room() as room:
                async with generator.transaction() as tx:
                    await room.add_jobs(tx, [_new()])
                raise ConnectionResetError
        await until(lambda: begun)
        assert [(job.generation, job.billed_tries) for job in begun] == [(2, 1)]
        await until(lambda: _is_empty(generator))


async def test_a_job_whose_work_raises_is_due_again_when_its_lease_ends(generator: Database) -> None:
    await _add(generator, _new(), _new())
    seen: list[int] = []

    async def do(job: Job) -> None:
        seen.append(job.generation)
        if job.generation == 1:
            raise ValueError("Ana Bell")
        await _finish(generator, job)

    async with _working(generator, do, lease=_LONG):
        await until(lambda: seen == [1, 1])
        assert [row["due"] for row in await _rows(generator)] == [False, False]
        await _execute(generator, "UPDATE jobs SET due_at = now()")  # the leases have run out
        await until(lambda: _is_empty(generator))
    assert sorted(seen) == [1, 1, 2, 2]


async def test_a_long_job_keeps_its_lease_while_it_runs(generator: Database) -> None:
    await _add(generator, _new())
    starts = []
    enough = asyncio.Event()

    async def do(job: Job) -> None:
        starts.append(job)
        await enough.wait()
        assert not job.lease.ran_out
        await _finish(generator, job)

    async with _working(generator, do, lease=timedelta(seconds=4)):
        await until(lambda: starts)
        ((_, first_lease),) = await _leases(generator)
        await until(lambda: _extended(generator, first_lease + timedelta(seconds=4)))  # it would be over by now
        enough.set()
        await until(lambda: _is_empty(generator))
    assert [job.generation for job in starts] == [1]


async def test_a_worker_that_lost_its_lease_stops_working(generator: Database) -> None:
    await _add(generator, _new())
    cancelled = asyncio.Event()

    async def do(_: Job) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with _working(generator, do, lease=timedelta(seconds=0.3), safety_poll_seconds=600) as worker:
        await until(lambda: worker._running)
        await _execute(generator, "UPDATE jobs SET generation = generation + 1, due_at = now() + interval '1 h'")
        await asyncio.wait_for(cancelled.wait(), 45)


async def test_a_worker_that_lost_its_lease_to_itself_works_on_it_once(generator: Database) -> None:
    await _add(generator, _new())
    working: list[int] = []

    async def do(job: Job) -> None:
        working.append(job.generation)
        try:
            await asyncio.Event().wait()
        finally:
            working.remove(job.generation)

    async with _working(generator, do, lease=_LONG):
        await until(lambda: working == [1])
        await _execute(generator, "UPDATE jobs SET due_at = now()")  # as after a pause past the lease
        await until(lambda: working == [2])


async def test_a_worker_that_stops_gives_back_what_it_cannot_finish_and_the_try_counts(generator: Database) -> None:
    await _add(generator, _new(), _new())
    begun: list[Job] = []

    async def do(job: Job) -> None:
        begun.append(job)
        await asyncio.Event().wait()

    async with _working(generator, do) as worker:
        await until(lambda: len(begun) == 2)
        worker.lease = _LONG
    rows = await _rows(generator)
    assert [(row["due"], row["billed_tries"], row["generation"]) for row in rows] == [(True, 1, 1)] * 2


async def test_a_worker_that_stops_lets_finish_what_is_nearly_done(generator: Database) -> None:
    await _add(generator, _new())
    begun = asyncio.Event()

    async def do(job: Job) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        await _finish(generator, job)

    async with _working(generator, do, finish_within_seconds=10):
        await asyncio.wait_for(begun.wait(), 45)
    assert await _is_empty(generator)


async def test_p11_a_worker_that_stops_late_does_not_give_back_what_is_its_successors(generator: Database) -> None:
    await _add(generator, _new())
    begun = asyncio.Event()

    async def do(_: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with _working(generator, do):
        await asyncio.wait_for(begun.wait(), 45)
        await _execute(generator, "UPDATE jobs SET generation = 2, due_at = now() + interval '60 s'")
    (row,) = await _rows(generator)
    assert not row["due"]


@pytest.mark.parametrize("failure", [ConnectionRefusedError(), asyncpg.DeadlockDetectedError("two at once")], ids=repr)
async def test_p4_an_outage_while_it_looks_for_jobs_cuts_off_nothing_that_runs(
    generator: Database, failure: Exception
) -> None:
    await _add(generator, _new())
    paid_for = asyncio.Event()
    failed = asyncio.Event()

    async def do(job: Job) -> None:
        await paid_for.wait()
        await _finish(generator, job)

    class Flaky(Worker):
        async def _claim(self, limit: int) -> list[Job]:
            if self._running and not failed.is_set():
                failed.set()
                raise failure
            return await super()._claim(limit)

    worker = Flaky(generator, do, safety_poll_seconds=0.02)
    task = asyncio.create_task(worker.run())
    await asyncio.wait_for(failed.wait(), 45)
    await asyncio.sleep(0)
    assert worker._running
    paid_for.set()
    await until(lambda: _is_empty(generator))
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_p4_leases_are_extended_on_after_any_failure_to_extend(generator: Database, database_url: str) -> None:
    await _add(generator, _new())
    starts, enough = [], asyncio.Event()

    async def do(job: Job) -> None:
        starts.append(job.generation)
        await enough.wait()
        await _finish(generator, job)

    async with _working(generator, do, lease=timedelta(seconds=0.9), safety_poll_seconds=600) as worker:
        await until(lambda: worker._running)
        await _rename(database_url, "jobs", "away")
        await asyncio.sleep(0.4)  # one heartbeat fails
        await _rename(database_url, "away", "jobs")
        ((_, first_lease),) = await _leases(generator)
        await until(lambda: _extended(generator, first_lease), 30)
        enough.set()
        await until(lambda: _is_empty(generator))
    assert starts == [1]


async def _leases(database: Database) -> list[tuple[Any, Any]]:
    return [(row["id"], row["due_at"]) for row in await _rows(database)]


async def _extended(database: Database, first_lease: Any) -> bool:
    return bool((await _leases(database))[0][1] > first_lease)


async def _rename(owner_url: str, old: str, new: str) -> None:
    owner = await asyncpg.connect(owner_url)
    await owner.execute(f"ALTER TABLE generator.{old} RENAME TO {new}")
    await owner.close()
