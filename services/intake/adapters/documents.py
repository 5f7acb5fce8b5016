"""Where sealed documents lie that are too large for a row: a folder, or whatever speaks S3.

A store sees ids and encrypted bytes, nothing else.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from chassis.errors import Unavailable

_HALF = ".half"
_NAME = re.compile("[0-9a-f]{32}")
_PAGE = 1_000


class DocumentMissing(Exception):
    """No document lies there."""


class DocumentStore(Protocol):
    async def put(self, document_id: UUID, sealed: bytes) -> None:
        """Durable when it returns. OSError or Unavailable where the store is away or full."""

    async def get(self, document_id: UUID) -> bytes:
        """DocumentMissing where there is none."""

    async def remove(self, document_id: UUID) -> None:
        """Safe to repeat."""

    def ids(self, after: UUID, before: UUID) -> AsyncIterator[list[UUID]]:
        """Those that lie there and sort between the two, a page at a time."""


@dataclass(frozen=True)
class Folder:
    """Files below `root`, in 256 folders by the end of their id, which is random."""

    root: Path

    async def put(self, document_id: UUID, sealed: bytes) -> None:
        await asyncio.to_thread(self._write, document_id, sealed)

    async def get(self, document_id: UUID) -> bytes:
        try:
            return await asyncio.to_thread(self._place_of(document_id).read_bytes)
        except FileNotFoundError:
            raise DocumentMissing from None

    async def remove(self, document_id: UUID) -> None:
        place = self._place_of(document_id)
        for file in (place, place.with_suffix(_HALF)):
            await asyncio.to_thread(file.unlink, missing_ok=True)

    async def ids(self, after: UUID, before: UUID) -> AsyncIterator[list[UUID]]:
        for folder in await asyncio.to_thread(lambda: sorted(self.root.glob("??"))):
            found = await asyncio.to_thread(_ids_in, folder)
            yield [document_id for document_id in found if after < document_id < before]

    def _place_of(self, document_id: UUID) -> Path:
        return self.root / document_id.hex[-2:] / document_id.hex

    def _write(self, document_id: UUID, sealed: bytes) -> None:
        place = self._place_of(document_id)
        if not place.parent.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(self.root)
        half = place.with_suffix(_HALF)
        try:
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(descriptor)
            half.rename(place)
        except OSError:
            half.unlink(missing_ok=True)
            raise
        _sync_folder(place.parent)  # the name too must survive a power cut


def _ids_in(folder: Path) -> list[UUID]:
    """Those included whose writing was cut off."""
    names = {file.name.removesuffix(_HALF) for file in folder.iterdir()}
    return [found for found in map(_id_of, names) if found]


def _id_of(name: str) -> UUID | None:
    return UUID(name) if _NAME.fullmatch(name) else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class S3Access:
    """Each None: as the AWS environment has it (instance role, shared configuration)."""

    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


class S3:
    """A bucket that exists already. What it answers 200 to is durable: that is S3's own promise."""

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        given = {
            "endpoint": access.endpoint,
            "region": access.region,
            "access_key_id": access.access_key_id,
            "secret_access_key": access.secret_access_key,
        }
        plain_http = (access.endpoint or "").startswith("http://")
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"timeout": "20s", "connect_timeout": "3s", "allow_http": plain_http},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        )

    async def put(self, document_id: UUID, sealed: bytes) -> None:
        try:
            await obstore.put_async(self._store, document_id.hex, sealed)
        except (BaseError, OSError):
            raise Unavailable from None

    async def get(self, document_id: UUID) -> bytes:
        try:
            found = await obstore.get_async(self._store, document_id.hex)
            return bytes(await found.bytes_async())
        except (FileNotFoundError, NotFoundError):
            raise DocumentMissing from None
        except (BaseError, OSError):
            raise Unavailable from None

    async def remove(self, document_id: UUID) -> None:
        try:
            await obstore.delete_async(self._store, document_id.hex)
        except (FileNotFoundError, NotFoundError):
            return
        except (BaseError, OSError):
            raise Unavailable from None

    async def ids(self, after: UUID, before: UUID) -> AsyncIterator[list[UUID]]:
        try:
            # S3 lists in the order of names, which is that of time: what is older than `after` is never fetched.
            async for page in obstore.list(self._store, offset=after.hex, chunk_size=_PAGE):
                found = [_id_of(entry["path"].rpartition("/")[2]) for entry in page]
                yield [document_id for document_id in found if document_id and document_id < before]
                if found and found[-1] and found[-1] >= before:
                    return
        except (BaseError, OSError):
            raise Unavailable from None


def document_store(place: str, access: S3Access) -> DocumentStore:
    """`s3://bucket/prefix`, or a folder."""
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return S3(bucket, prefix.strip("/"), access)
    return Folder(Path(place).resolve())
