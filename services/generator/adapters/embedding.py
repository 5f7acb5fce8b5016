"""Texts as vectors, by e5-small on this machine: nothing leaves. What is asked at once, in a child process of its own (0.3 s
more), so that the event loop never waits for it and numpy is never in the service's memory.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from chassis.child import run_program
from chassis.telemetry import log

_PROGRAM = Path(__file__).with_name("embedding_worker.py")
_AT_ONCE = 1


@dataclass(frozen=True)
class Embedder:
    """One caller at a time, each within `seconds`, its wait for the others included; None where that was not enough: then words
    alone must find it.
    """

    seconds: float = 120.0
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def __call__(self, kind: Literal["query", "passage"], texts: Sequence[str]) -> list[str] | None:
        if not texts:
            return []
        said = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds), self._turns:
                asked = json.dumps({"kind": kind, "texts": list(texts)}).encode()
                said = await run_program(_PROGRAM, asked, seconds=self.seconds, env={"OMP_NUM_THREADS": "1"})
        vectors: list[str] | None = json.loads(said) if said else None
        if vectors is None or len(vectors) != len(texts):
            log.warning("embedding.failed", kind=kind, texts=len(texts))
            return None
        return vectors
