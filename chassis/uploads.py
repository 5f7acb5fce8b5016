"""Large bodies: few at a time, and read part by part as they arrive. Nothing touches a disk unencrypted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from chassis.errors import Fault, InvalidInput, TooLarge, Unavailable
from chassis.idempotency import new_fingerprint

_SMALL = 256 * 1024
_WAIT_SECONDS = 30.0
_ARRIVE_SECONDS = 60.0
_ROUND_THE_PARTS = 64 * 1024


@dataclass
class Room:
    """Memory for the large bodies that are in hand at one time. Who finds none waits, its body still unread.

    A body is held some five times over while it is taken apart, sealed, and handed to the process that reads it.
    """

    free: int = 16 * 1024 * 1024
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def for_body(self, request: Request, limit: int) -> AbstractAsyncContextManager[None]:
        """Held until the block ends. Unavailable where there is no room for long; small bodies need none."""
        declared = request.headers.get("content-length", "")
        size = min(int(declared), limit) if declared.isascii() and declared.isdigit() else limit
        return self._held(size) if size > _SMALL else nullcontext()

    @asynccontextmanager
    async def _held(self, size: int) -> AsyncIterator[None]:
        await self._take(size)
        try:
            yield
        finally:
            self.free += size
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, size: int) -> None:
        try:
            async with asyncio.timeout(_WAIT_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self.free >= size)
                self.free -= size
        except TimeoutError:
            raise Unavailable("Too many large bodies at once: try again in a moment.") from None


@dataclass(slots=True)
class Part:
    content: bytearray
    content_type: str | None


@dataclass(frozen=True)
class Multipart:
    """The parts that were asked for, what is wrong with the others, and the fingerprint of the whole body."""

    parts: Mapping[str, Part]
    faults: list[Fault]
    fingerprint: bytes


async def read_multipart(request: Request, limits: Mapping[str, int]) -> Multipart:
    """`limits` has the parts that may come, and their largest size. TooLarge as soon as one is."""
    _, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise InvalidInput([Fault("", "MALFORMED", "The content type names no boundary.")])
    reader, fingerprint, total = _Reader(boundary, limits), new_fingerprint(request), 0
    largest = sum(limits.values()) + _ROUND_THE_PARTS
    try:
        async with asyncio.timeout(_ARRIVE_SECONDS):
            async for chunk in request.stream():
                total += len(chunk)
                if total > largest:
                    raise TooLarge(largest)
                fingerprint.update(chunk)
                reader.feed(chunk)
    except TimeoutError:
        raise InvalidInput([Fault("", "MALFORMED", "The body did not arrive in time.")]) from None
    if not reader.complete:
        raise InvalidInput([Fault("", "MALFORMED", "The body ends before its last boundary.")])
    return Multipart(reader.parts, reader.faults, fingerprint.digest())


class _Reader:
    """Collects parts from the parser's callbacks."""

    def __init__(self, boundary: bytes, limits: Mapping[str, int]) -> None:
        self.parts: dict[str, Part] = {}
        self.faults: list[Fault] = []
        self.complete = False
        self._limits = limits
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._current: tuple[Part, int] | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda chunk, start, end: self._header[0].extend(chunk[start:end]),
                "on_header_value": lambda chunk, start, end: self._header[1].extend(chunk[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._open_part,
                "on_part_data": self._add,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise InvalidInput([Fault("", "MALFORMED", "The body is not multipart/form-data.")]) from None

    def _begin_part(self) -> None:
        self._headers, self._current = {}, None

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _open_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode(errors="replace")[:100]
        if name not in self._limits:
            self.faults.append(Fault(name, "UNKNOWN_FIELD", "There is no such part."))
        elif name in self.parts:
            self.faults.append(Fault(name, "VALUE", "This part stands here more than once."))
        else:
            media_type = self._headers.get(b"content-type", b"").decode("latin-1")
            part = Part(bytearray(), media_type.partition(";")[0].strip().lower() or None)
            self.parts[name] = part
            self._current = part, self._limits[name]

    def _add(self, chunk: bytes, start: int, end: int) -> None:
        if self._current is None:
            return
        part, limit = self._current
        if len(part.content) + end - start > limit:
            raise TooLarge(limit)
        part.content += memoryview(chunk)[start:end]

    def _end(self) -> None:
        self.complete = True
