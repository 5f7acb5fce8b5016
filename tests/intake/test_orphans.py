"""What lies in the document store without a row is taken away, once it is certain that it will never have one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from chassis.database import Database
from chassis.ids import first_id_of
from services.intake import document_rows
from services.intake.adapters.documents import DocumentMissing, Folder
from services.intake.archive import KeptDocument
from services.intake.orphans import Orphans
from tests.support.chassis import database_of

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url, "intake")
    yield database
    await database.close()


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def orphans(database: Database, store: Folder) -> Orphans:
    return Orphans(database, store, lambda: NOW)


def made(hours_ago: float, number: int = 1) -> UUID:
    return UUID(int=first_id_of(NOW - timedelta(hours=hours_ago)).int + number)


async def put(orphans: Orphans, store: Folder, document_id: UUID, *, with_row: bool) -> UUID:
    await store.put(document_id, b"sealed")
    if with_row:
        kept = KeptDocument(document_id, "clinic", "raw", "text/plain", 6, b"", "a", None)
        async with orphans.database.transaction() as tx:
            await document_rows.insert_documents(tx, [(kept, None)])
    return document_id


async def is_there(store: Folder, document_id: UUID) -> bool:
    try:
        await store.get(document_id)
    except DocumentMissing:
        return False
    return True


async def test_only_what_is_a_day_old_and_has_no_row_is_taken_away(orphans: Orphans, store: Folder) -> None:
    kept = await put(orphans, store, made(48), with_row=True)
    orphan = await put(orphans, store, made(48, 2), with_row=False)
    undecided = await put(orphans, store, made(23), with_row=False)
    await orphans.sweep()
    assert [await is_there(store, each) for each in (kept, orphan, undecided)] == [True, False, True]


async def test_what_was_undecided_is_taken_away_a_day_later(orphans: Orphans, store: Folder) -> None:
    orphan = await put(orphans, store, made(23), with_row=False)
    await orphans.sweep()
    orphans.clock = lambda: NOW + timedelta(days=1)
    await orphans.sweep()
    assert not await is_there(store, orphan)


async def test_a_file_whose_writing_was_cut_off_is_taken_away(orphans: Orphans, tmp_path: Path) -> None:
    document_id = made(48)
    half = tmp_path / document_id.hex[-2:] / f"{document_id.hex}.half"
    half.parent.mkdir()
    half.write_bytes(b"sea")
    (half.parent / "README").write_text("not ours")
    await orphans.sweep()
    assert [file.name for file in half.parent.iterdir()] == ["README"]


async def test_documents_of_another_database_are_left_alone(orphans: Orphans, store: Folder) -> None:
    """Somebody set DATABASE_URL to an empty one: nothing is known there, and nothing may be lost for it."""
    strangers = [await put(orphans, store, made(48, number), with_row=False) for number in range(21)]
    await orphans.sweep()
    assert all([await is_there(store, each) for each in strangers])
