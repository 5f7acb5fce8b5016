"""Reads strangers' files in child processes: a few, kept for many files, killed and replaced where a file harms them."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis.errors import Fault, InvalidInput, TooLarge, Unavailable
from chassis.telemetry import log
from services.intake.adapters.records_worker import LENGTHS, framed
from services.intake.domain.draft import Draft, EnclosedFile
from services.intake.domain.records import MAX_RECORD_CHARACTERS, UnreadableRecords, storable, too_large

_PROGRAM = str(Path(__file__).with_name("records_worker.py"))
_PASSED_ON = ("PATH", "TESSDATA_PREFIX")
_FILES_A_WORKER = 200
_SECONDS = 40.0
"""For one file, by the clock: 10 for printed text, 20 for scanned pages, and room for a busy machine."""
_WAIT_SECONDS = 60.0
_LARGEST_ANSWER = 16 * 1024 * 1024
_LARGEST_TEXT_BYTES = 4 * MAX_RECORD_CHARACTERS + 3
"""A character of UTF-8 has at most four bytes, and a mark may stand before the first."""
_MAGIC_WITHIN = 1_024
_ENDS_WITHIN = 2.0


class _Died(Exception):
    """The child ended over a file. `killed_from_outside`: nothing that the file could have done."""

    def __init__(self, *, killed_from_outside: bool) -> None:
        super().__init__()
        self.killed_from_outside = killed_from_outside


class _Worker:
    """One child process, for one file at a time."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._left = 0

    async def do(self, task: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        process = await self._running()
        self._left -= 1
        try:
            async with asyncio.timeout(_SECONDS):
                return await _exchange(process, task, content)
        except (TimeoutError, OSError, EOFError, ValueError) as error:
            ended_by = await self.stop(0 if isinstance(error, TimeoutError) else _ENDS_WITHIN)
            from_outside = ended_by in {-signal.SIGKILL, -signal.SIGTERM} and not isinstance(error, TimeoutError)
            raise _Died(killed_from_outside=from_outside) from error
        except BaseException:
            await self.stop()  # a caller that goes away leaves half an answer in the pipe
            raise

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None or self._left <= 0:
            await self.stop()
            self._left = _FILES_A_WORKER
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                _PROGRAM,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ}
                | {"LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1"},
                start_new_session=True,
            )
        return self._process

    async def stop(self, ends_within: float = 0) -> int | None:
        """Ends it with whatever it started; says what had ended it before, or did within so many seconds."""
        process, self._process = self._process, None
        if process is None:
            return None
        # Its pipes may end a moment before the process is known to have.
        with suppress(TimeoutError):
            async with asyncio.timeout(ends_within):
                await process.wait()
        ended_by = process.returncode
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return ended_by


async def _exchange(process: Process, task: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    for part in framed(task, content):
        process.stdin.write(part)
    await process.stdin.drain()
    header, payload = LENGTHS.unpack(await process.stdout.readexactly(LENGTHS.size))
    if header + payload > _LARGEST_ANSWER:
        raise ValueError
    return json.loads(await process.stdout.readexactly(header)), await process.stdout.readexactly(payload)


@dataclass
class RecordsReader:
    """At most `workers` files at once; who comes later waits its turn."""

    workers: int = 2
    _idle: "asyncio.LifoQueue[_Worker]" = field(default_factory=asyncio.LifoQueue)
    """The one used last first: while files come one by one, one process is all there is."""
    _all: list[_Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._all = [_Worker() for _ in range(self.workers)]
        for worker in self._all:
            self._idle.put_nowait(worker)

    async def text_of(self, content: bytes, declared: str | None) -> str:
        """The text that the file holds, fit to be stored. UnreadableRecords says why not."""
        kind = kind_of(content)
        refuse_other_label(kind, declared)
        if kind == "text/plain":
            if len(content) > _LARGEST_TEXT_BYTES:
                raise too_large()
            return await asyncio.to_thread(_plain_text, content)
        try:
            header, text = await self._do({"do": "records"}, content)
        except _Died:
            raise UnreadableRecords("The PDF is too complex to be read safely.") from None
        if "unreadable" in header:
            raise UnreadableRecords(*header["unreadable"])
        return text.decode()

    async def draft_of(self, source: str, body: bytes) -> Draft:
        """What `SOURCES[source].draft(body)` gives or raises, without its memory and time in this process."""
        try:
            header, enclosed = await self._do({"do": "draft", "source": source}, body)
        except _Died:
            raise InvalidInput([Fault("", "MALFORMED", "The body is too complex to be read safely.")]) from None
        if "faults" in header and "values" not in header:
            raise InvalidInput([Fault(*fault) for fault in header["faults"]])
        if "too_large" in header:
            raise TooLarge(header["too_large"])
        return Draft(
            values=header["values"],
            faults=[Fault(*fault) for fault in header["faults"]],
            places=header["places"],
            ignored=header["ignored"],
            external_id=header["external_id"],
            enclosed=EnclosedFile(enclosed, header["declared"]) if header["enclosed"] else None,
        )

    async def _do(self, task: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            return await self._with_worker(lambda worker: worker.do(task, content))
        except _Died as died:
            log.warning("records.worker_died", task=task["do"], from_outside=died.killed_from_outside)
            if not died.killed_from_outside:
                raise
        return await self._with_worker(lambda worker: worker.do(task, content))

    async def _with_worker(
        self, use: Callable[[_Worker], Awaitable[tuple[dict[str, Any], bytes]]]
    ) -> tuple[dict[str, Any], bytes]:
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                worker = await self._idle.get()
        except TimeoutError:
            raise Unavailable("Too many files are being read: try again in a moment.") from None
        try:
            return await use(worker)
        finally:
            self._idle.put_nowait(worker)

    async def run(self) -> None:
        """Keeps until the service stops, then ends the child processes."""
        try:
            await asyncio.Event().wait()
        finally:
            for worker in self._all:
                await worker.stop()


def kind_of(content: bytes) -> str | None:
    """By what it is, not by what it is called: `application/pdf`, `text/plain` (UTF-8), or neither."""
    if b"%PDF-" in content[:_MAGIC_WITHIN]:
        return "application/pdf"
    if b"\0" in content:
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return "text/plain"


def refuse_other_label(kind: str | None, declared: str | None) -> None:
    if kind is None:
        raise UnreadableRecords("The file is neither a PDF nor text in UTF-8.")
    # A browser that does not know the file's name ending says octet-stream, which says nothing.
    if declared is not None and declared not in {kind, "application/octet-stream"}:
        raise UnreadableRecords(f"The file is labelled {_known(declared)}, but what it holds is {kind}.")


def _known(declared: str) -> str:
    return declared if declared in {"application/pdf", "text/plain"} else "as another type"


def _plain_text(content: bytes) -> str:
    text = storable(content.decode("utf-8-sig"))
    if len(text) > MAX_RECORD_CHARACTERS:
        raise too_large()
    return text
