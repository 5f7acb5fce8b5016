"""The plan as a PDF: a part for clinicians, and a handout for the patient. `care_plan.typ` says how it looks.

Every PDF is set in a child process of its own (30 ms more): whatever a plan holds, the service sees it end in time.
"""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chassis.errors import Unavailable
from chassis.telemetry import log
from services.reporting.adapters.pdf_content import content_of
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import File, PlanDocument

_PROGRAM = str(Path(__file__).with_name("pdf_worker.py"))
_AT_ONCE = 2


@dataclass(frozen=True)
class PdfWriter:
    """At most two at once, each for `seconds`; Unavailable where that was not enough."""

    pharmacy: Pharmacy
    seconds: float = 10.0
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def __call__(self, document: PlanDocument) -> File:
        content = json.dumps(content_of(document, self.pharmacy), ensure_ascii=False).encode()
        made_at = document.signature.at if document.signature else document.current.created_at
        async with self._turns:
            pdf = await self._set_in_type(content, int(made_at.timestamp()))
        if pdf is None:
            log.warning("pdf.not_made", careplan_id=str(document.careplan_id), version=document.version)
            raise Unavailable("The PDF could not be made in time: try again, or take the text.")
        return File(pdf, "application/pdf", "pdf")

    async def _set_in_type(self, content: bytes, timestamp: int) -> bytes | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", _PROGRAM, str(timestamp),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", env={"LANG": "C.UTF-8"},
        )  # fmt: skip
        try:
            async with asyncio.timeout(self.seconds):
                pdf, _ = await process.communicate(content)
        except TimeoutError:
            return None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return pdf if process.returncode == 0 else None
