"""Files are read in child processes that know nothing and can do nothing but end."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from chassis.errors import InvalidInput, TooLarge
from services.intake.adapters.records_reader import RecordsReader, kind_of
from services.intake.domain.records import UnreadableRecords
from tests.support import pdfs
from tests.support.partners import clinic, draft_of, sample, with_text

PDF = pdfs.printed("Creatinine 0.78 mg/dL")


@asynccontextmanager
async def reading(workers: int = 1) -> AsyncIterator[RecordsReader]:
    reader = RecordsReader(workers)
    task = asyncio.create_task(reader.run())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def child(reader: RecordsReader) -> psutil.Process:
    """The one that is running."""
    (worker,) = [worker for worker in reader._all if worker._process is not None]
    assert worker._process is not None
    return psutil.Process(worker._process.pid)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREPLAN_ENCRYPTION_KEYS", "not for children")


async def test_the_child_has_no_secrets_around_it() -> None:
    async with reading() as reader:
        await reader.text_of(PDF, "application/pdf")
        assert set(child(reader).environ()) <= {"PATH", "LANG", "OMP_THREAD_LIMIT", "TESSDATA_PREFIX", "LC_CTYPE"}
        assert child(reader).rlimit(psutil.RLIMIT_AS)[0] <= 400 * 1024 * 1024
        assert child(reader).rlimit(psutil.RLIMIT_FSIZE)[0] == 0


async def test_one_child_reads_many_files_and_ends_with_the_reader() -> None:
    async with reading(workers=3) as reader:
        for _ in range(5):
            assert await reader.text_of(PDF, "application/pdf") == "Creatinine 0.78 mg/dL"
        one = child(reader)
    assert not one.is_running() or one.status() == psutil.STATUS_ZOMBIE


async def test_a_child_is_replaced_after_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.intake.adapters.records_reader._FILES_A_WORKER", 2)
    async with reading() as reader:
        seen = set()
        for _ in range(4):
            await reader.text_of(PDF, "application/pdf")
            seen.add(child(reader).pid)
        assert len(seen) == 2


async def test_a_child_killed_from_outside_is_no_fault_of_the_file() -> None:
    async with reading() as reader:
        await reader.text_of(PDF, "application/pdf")
        child(reader).send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(reader.text_of(PDF, "application/pdf"))
        await asyncio.sleep(0.1)
        child(reader).kill()
        assert await waiting == "Creatinine 0.78 mg/dL"


async def test_a_file_that_takes_too_long_is_too_complex_and_its_child_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with reading() as reader:
        await reader.draft_of("clinic", sample("clinic").body)
        monkeypatch.setattr("services.intake.adapters.records_reader._SECONDS", 0.3)
        stuck = child(reader)
        stuck.send_signal(signal.SIGSTOP)
        with pytest.raises(UnreadableRecords, match="too complex"):
            await reader.text_of(PDF, "application/pdf")
        assert not psutil.pid_exists(stuck.pid)
        monkeypatch.undo()
        assert await reader.text_of(PDF, "application/pdf")


async def test_a_caller_that_goes_away_leaves_no_half_answer_behind() -> None:
    async with reading() as reader:
        await reader.text_of(PDF, "application/pdf")
        child(reader).send_signal(signal.SIGSTOP)
        leaving = asyncio.create_task(reader.text_of(PDF, "application/pdf"))
        await asyncio.sleep(0.1)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        other = pdfs.printed("Another file")
        assert await reader.text_of(other, "application/pdf") == "Another file"


async def test_a_bomb_ends_in_its_own_memory() -> None:
    async with reading() as reader:
        with pytest.raises(UnreadableRecords, match="too complex"):
            await reader.text_of(pdfs.bomb(), "application/pdf")
        assert await reader.text_of(PDF, "application/pdf")


async def test_an_empty_page_is_no_scan() -> None:
    async with reading() as reader:
        assert await reader.text_of(pdfs.blank_then("after a blank page"), None) == "after a blank page"


async def test_a_scan_where_nobody_can_read_one_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    async with reading() as reader:
        with pytest.raises(UnreadableRecords, match="scanned pages"):
            await reader.text_of(pdfs.scanned("text"), "application/pdf")


@pytest.mark.parametrize("source", ["clinic", "pharmacorp", "hl7v2"])
async def test_a_body_read_in_the_child_is_the_same_draft(source: str) -> None:
    async with reading() as reader:
        assert await reader.draft_of(source, sample(source).body) == draft_of(source, sample(source).body)


async def test_a_refusal_in_the_child_is_the_same_refusal() -> None:
    async with reading() as reader:
        with pytest.raises(InvalidInput) as error:
            await reader.draft_of("clinic", b"{")
        assert error.value.detail["errors"][0]["code"] == "MALFORMED"
        large = with_text("pharmacorp", ("<co:ClinicalNotes>", "<co:ClinicalNotes>" + "x" * 3_000_000))
        with pytest.raises(TooLarge):
            await reader.draft_of("pharmacorp", large)


async def test_what_comes_back_from_the_child_is_small() -> None:
    body = clinic(lambda d: d.update(notes="x" * 1_900_000, med_hx=[{"n": "y"}] * 5_000))
    async with reading() as reader:
        draft = await reader.draft_of("clinic", body)
    assert len(draft.values["patient_records"]) == 200_001
    assert len(draft.values["medication_history"]) == 500
    assert len(json.dumps(draft.values)) < 300_000


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "application/pdf"),
        (b"junk before" + PDF, "application/pdf"),
        (b"plain", "text/plain"),
        ("\ufeffmarked".encode(), "text/plain"),
        (b"", "text/plain"),
        (b"PK\x03\x04\0\0", None),
        (b"\xff\xfea\0", None),
    ],
)
def test_a_files_kind_is_what_it_is(content: bytes, kind: str | None) -> None:
    assert kind_of(content) == kind
