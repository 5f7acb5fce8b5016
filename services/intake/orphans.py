"""Documents in the store without a row: their transaction failed, or a process died in between. They are taken away."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from chassis.database import Database
from chassis.ids import first_id_of
from chassis.telemetry import log
from services.intake import document_rows

_DECIDED_AFTER = timedelta(days=1)
"""No transaction is open for so long: by then a document has its row, or never will."""
_FEW = 20
_FIRST = UUID(int=0)


class Store(Protocol):
    async def remove(self, document_id: UUID) -> None: ...
    def ids(self, after: UUID, before: UUID) -> AsyncIterator[list[UUID]]: ...


@dataclass
class Orphans:
    database: Database
    store: Store
    clock: Callable[[], datetime]
    _swept_to: UUID = _FIRST

    async def sweep(self) -> None:
        """Looks at everything once, then at what has come since. Safe to repeat, and for several replicas at once."""
        before = first_id_of(self.clock() - _DECIDED_AFTER)
        orphans, looked_at = list[UUID](), 0
        async for page in self.store.ids(self._swept_to, before):
            async with self.database.reading() as db:
                known = await document_rows.known(db, page)
            orphans += [document_id for document_id in page if document_id not in known]
            looked_at += len(page)
        # Orphans are rare. Many of them mean that this is another database than the documents' own.
        if len(orphans) > max(_FEW, looked_at // 10):
            log.error("documents.too_many_orphans", orphans=len(orphans), looked_at=looked_at)
            return
        for document_id in orphans:
            await self.store.remove(document_id)
        self._swept_to = before
        if orphans:
            log.info("documents.orphans_removed", orphans=len(orphans))
