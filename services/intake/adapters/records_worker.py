"""The child process in which strangers' files are read: no secrets around it, little memory, little time.

Started by `records_reader` as a script. One task after another comes in by standard input and goes out by standard
output, each as two lengths, a JSON header and bytes. Whatever a file does to this process, the parent only sees it end.
"""

import json
import os
import resource
import struct
import sys
from dataclasses import astuple
from pathlib import Path
from typing import IO, Any

if __name__ == "__main__":
    # A script has its own folder first on its path, and the project not at all.
    sys.path[:] = [
        str(Path(__file__).parents[3]),
        *(place for place in sys.path if place != str(Path(__file__).parent)),
    ]

from chassis.errors import InvalidInput, TooLarge
from services.intake.domain.records import UnreadableRecords

LENGTHS = struct.Struct(">II")
_MEMORY_BYTES = 384 * 1024 * 1024
"""Of addresses, of this process and of tesseract each."""
_CPU_SECONDS = 12
_LONGEST_TEXT = 200_001
_MOST_ENTRIES = 500
_LARGEST_HEADER = 4 * 1024 * 1024


def _read_task(standard_input: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    lengths = standard_input.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    header, payload = LENGTHS.unpack(lengths)
    return json.loads(standard_input.read(header)), standard_input.read(payload)


def framed(header: dict[str, Any], payload: bytes) -> tuple[bytes, bytes]:
    written = json.dumps(header, ensure_ascii=False).encode(errors="replace")
    return LENGTHS.pack(len(written), len(payload)) + written, payload


def _do(task: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    """A refusal is an answer; anything unforeseen ends the process."""
    try:
        if task["do"] == "records":
            # Where it is used: a worker that only ever reads one kind never loads the other.
            from services.intake.adapters.records_pdf import text_of_pdf

            return {}, text_of_pdf(content).encode()
        return _draft(task["source"], content)
    except UnreadableRecords as unreadable:
        return {"unreadable": [unreadable.message, unreadable.code]}, b""
    except InvalidInput as invalid:
        return {"faults": [list(fault.values()) for fault in invalid.detail["errors"]]}, b""
    except TooLarge as large:
        return {"too_large": large.detail["limit_bytes"]}, b""


def _draft(source: str, content: bytes) -> tuple[dict[str, Any], bytes]:
    from services.intake.adapters.sources import SOURCES

    draft = SOURCES[source].draft(content)
    header = {
        "values": _cut(draft.values),
        "faults": [astuple(fault) for fault in draft.faults[:_MOST_ENTRIES]],
        "places": draft.places,
        "ignored": [place[:_MOST_ENTRIES] for place in draft.ignored[:_MOST_ENTRIES]],
        "external_id": draft.external_id,
        "enclosed": draft.enclosed is not None,
        "declared": draft.enclosed and draft.enclosed.declared,
    }
    return header, draft.enclosed.content if draft.enclosed else b""


def _cut(value: Any) -> Any:
    """So long that it is refused all the same, and no longer: what goes back is small."""
    match value:
        case str():
            return value[:_LONGEST_TEXT]
        case list():
            return [_cut(entry) for entry in value[:_MOST_ENTRIES]]
        case dict():
            return {key: _cut(entry) for key, entry in value.items()}
        case _:
            return value


def _limit_everything() -> None:
    limits = {
        resource.RLIMIT_AS: _MEMORY_BYTES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for limit, most in limits.items():
        try:
            resource.setrlimit(limit, (most, most))
        except (OSError, ValueError):
            pass  # a system without that limit; the parent's clock stays


def _grant_cpu() -> None:
    """Each task has its own seconds: the system's limit counts those of the whole process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + _CPU_SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    _limit_everything()
    while (task := _read_task(sys.stdin.buffer)) is not None:
        _grant_cpu()
        header, payload = framed(*_do(*task))
        if len(header) > _LARGEST_HEADER:
            header, payload = framed({"faults": [["", "MALFORMED", "The document is too complex."]]}, b"")
        answers.write(header)
        answers.write(payload)
        answers.flush()


if __name__ == "__main__":
    main()
