"""Gauges that come from the database: asked for every few seconds, so that a scrape costs nothing."""

import asyncio
from dataclasses import dataclass

from chassis import metrics
from chassis.database import OUTAGES, Database

_EVERY_SECONDS = 5.0

_NOW = """
SELECT coalesce((SELECT extract(epoch FROM now() - created_at)::float8 FROM outbox WHERE sent_at IS NULL
                 ORDER BY id LIMIT 1), 0) AS outbox_oldest,
       (SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL) AS dead_letters,
       pg_database_size(current_database()) AS bytes
"""

_JOBS = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at))::float8, 0) AS oldest FROM jobs
"""


@dataclass(frozen=True)
class Measurements:
    """Replicas of a service measure the same thing: a query takes their maximum, never their sum."""

    service: str
    database: Database
    has_jobs: bool = False

    async def run(self) -> None:
        while True:
            await self.take()
            await asyncio.sleep(_EVERY_SECONDS)

    async def take(self) -> None:
        try:
            async with self.database.reading() as db:
                row = await db.fetchrow(_NOW)
                jobs = await db.fetchrow(_JOBS) if self.has_jobs else None
        except OUTAGES:
            metrics.DATABASE_UP.labels(self.service).set(0)
            return
        assert row is not None
        metrics.DATABASE_UP.labels(self.service).set(1)
        metrics.OUTBOX_AGE.labels(self.service).set(row["outbox_oldest"])
        metrics.DEAD_LETTERS_WAITING.labels(self.service).set(row["dead_letters"])
        metrics.DATABASE_BYTES.labels(self.service).set(row["bytes"])
        if jobs is not None:
            metrics.JOBS_WAITING.labels(self.service).set(jobs["waiting"])
            metrics.JOBS_OLDEST.labels(self.service).set(jobs["oldest"])
        used, most = await self.database.connections()
        metrics.DATABASE_CONNECTIONS.labels(self.service, "used").set(used)
        metrics.DATABASE_CONNECTIONS.labels(self.service, "most").set(most)
