"""Documents are kept until asked for, in a folder or in S3, and nobody who looks there can read them."""

import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from chassis.crypto import CannotOpen, Keyring, new_key
from chassis.errors import Unavailable
from chassis.ids import new_id
from local.ports import free_port
from services.intake.adapters.documents import S3, DocumentMissing, DocumentStore, Folder, S3Access, document_store
from services.intake.archive import LARGEST_IN_A_ROW, Archive

ACCESS: dict[str, Any] = {"region": "us-east-1", "access_key_id": "k", "secret_access_key": "s"}


@pytest.fixture(scope="module")
def s3_address() -> Iterator[str]:
    """A process-local server that speaks S3 on loopback, with the bucket `records`."""
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{port}"
    # Making a bucket is an operator's work, and obstore has no call for it: an empty PUT of its address.
    maker = S3Store("records", endpoint=address, client_options={"allow_http": True}, **ACCESS)
    urllib.request.urlopen(urllib.request.Request(f"{address}/records", method="PUT"), timeout=60)
    assert list(obstore.list(maker)) == []
    yield address
    server.stop()


@pytest.fixture(params=["folder", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    if request.param == "folder":
        yield Folder(tmp_path)
    else:
        yield S3("records", "intake", S3Access(request.getfixturevalue("s3_address"), **ACCESS))


async def test_what_was_put_is_there(store: DocumentStore) -> None:
    first, second = new_id(), new_id()
    await store.put(first, b"first")
    await store.put(second, b"second" * 100_000)
    assert await store.get(first) == b"first"
    assert await store.get(second) == b"second" * 100_000


async def test_what_was_never_put_or_was_removed_is_missing(store: DocumentStore) -> None:
    document_id = new_id()
    await store.put(document_id, b"x")
    await store.remove(document_id)
    await store.remove(document_id)
    with pytest.raises(DocumentMissing):
        await store.get(document_id)


async def test_ids_are_listed_by_their_time(store: DocumentStore) -> None:
    old, first, second, late = sorted(new_id() for _ in range(4))
    for document_id in (second, late, old, first):
        await store.put(document_id, b"x")
    assert sorted([found async for page in store.ids(old, late) for found in page]) == [first, second]


async def test_putting_twice_is_putting_once(store: DocumentStore) -> None:
    document_id = new_id()
    await store.put(document_id, b"same")
    await store.put(document_id, b"same")
    assert await store.get(document_id) == b"same"


async def test_an_s3_that_is_away_is_unavailable() -> None:
    away = S3("records", "", S3Access("http://127.0.0.1:9", **ACCESS))
    with pytest.raises(Unavailable):
        await away.put(new_id(), b"x")


async def test_a_folder_that_cannot_be_written_leaves_nothing_half_done(tmp_path: Path) -> None:
    document_id = new_id()
    place = tmp_path / document_id.hex[-2:] / document_id.hex
    place.with_suffix(".half").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        await Folder(tmp_path).put(document_id, b"x")
    assert not place.exists()


def test_the_setting_says_which() -> None:
    assert isinstance(document_store("s3://bucket/prefix", S3Access(**ACCESS)), S3)
    assert document_store("/srv/documents", S3Access()) == Folder(Path("/srv/documents"))


@pytest.mark.parametrize("size", [10, LARGEST_IN_A_ROW, LARGEST_IN_A_ROW + 1])
async def test_a_document_opens_as_it_was_and_lies_sealed(tmp_path: Path, size: int) -> None:
    archive = Archive(Keyring.parse(f"a:{new_key()}"), Folder(tmp_path))
    content = b"Kryptonite" * (size // 10) + b"x" * (size % 10)
    kept = await archive.keep("clinic", "raw", "text/plain", content)
    assert (kept.sealed is None) == (size > LARGEST_IN_A_ROW)
    lying = kept.sealed or next(file for file in tmp_path.rglob("*") if file.is_file()).read_bytes()
    assert b"Kryptonite" not in lying
    assert await archive.open(kept) == content


async def test_a_document_that_was_changed_does_not_open(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    archive = Archive(Keyring.parse(f"a:{new_key()}"), folder)
    kept = await archive.keep("clinic", "raw", "text/plain", b"x" * (LARGEST_IN_A_ROW + 1))
    await folder.put(kept.document_id, b"y" * 100_000)
    with pytest.raises(CannotOpen):
        await archive.open(kept)
