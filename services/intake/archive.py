"""What was sent to us, as it was sent: kept encrypted, byte for byte, for as long as the order."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from chassis.crypto import Keyring
from chassis.ids import new_id

Kind = Literal["raw", "records"]
Outcome = Literal["accepted", "refused"]

LARGEST_IN_A_ROW = 64 * 1024
"""Bytes. A document up to this lies in its row, which one commit makes durable together with the order and with what
others sent meanwhile; a file of its own costs two fsyncs. Measured, 16 at a time on one disk, a second: 2 KB 12,000 in
rows and 1,800 in files, 64 KB 1,750 and 1,550, 256 KB 430 and 690: a row is written twice, to the log and to its table."""


class Store(Protocol):
    async def put(self, document_id: UUID, sealed: bytes) -> None: ...
    async def get(self, document_id: UUID) -> bytes: ...


class KeptDocument(NamedTuple):
    """As its row has it. `sealed` None: it lies in the document store, under its id."""

    document_id: UUID
    source: str
    kind: Kind
    content_type: str
    size: int
    sha256: bytes
    key_id: str
    sealed: bytes | None


@dataclass(frozen=True)
class Archive:
    keyring: Keyring
    store: Store

    async def keep(self, source: str, kind: Kind, content_type: str, content: bytes) -> KeptDocument:
        """Sealed, and durable but for its row, which the caller's transaction inserts.

        Where that transaction fails the store keeps the document for nothing. It is not taken away here, where a commit
        whose answer was lost looks the same, but by `orphans`, when that is long decided.
        """
        if len(content) <= LARGEST_IN_A_ROW:
            return self._sealed(source, kind, content_type, content)
        document = await asyncio.to_thread(self._sealed, source, kind, content_type, content)
        assert document.sealed is not None
        await self.store.put(document.document_id, document.sealed)
        return document._replace(sealed=None)

    async def open(self, document: KeptDocument) -> bytes:
        """The bytes as they came. CannotOpen where they were changed or their key is gone."""
        sealed = document.sealed if document.sealed is not None else await self.store.get(document.document_id)
        return await asyncio.to_thread(self.keyring.open, document.key_id, sealed, document.document_id.bytes)

    def _sealed(self, source: str, kind: Kind, content_type: str, content: bytes) -> KeptDocument:
        document_id = new_id()
        return KeptDocument(
            document_id,
            source,
            kind,
            content_type,
            len(content),
            hashlib.sha256(content).digest(),
            self.keyring.active,
            self.keyring.seal(content, document_id.bytes),
        )
