"""Runs a Python program of ours in a child process of its own: it ends in time, and its memory goes with it."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


async def run_program(
    program: Path, given: bytes, *, seconds: float, args: Sequence[str] = (), env: dict[str, str] | None = None
) -> bytes | None:
    """What it writes when it is given that to read; None where it failed or took longer.

    It sees the machine's Python packages, none of our environment, and `env`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(program), *args,
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", env={"LANG": "C.UTF-8"} | (env or {}),
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            written, _ = await process.communicate(given)
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return written if process.returncode == 0 else None
