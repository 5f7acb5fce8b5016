"""The plan as a PDF: a part for clinicians, and a handout for the patient. `care_plan.typ` says how it looks.

Every PDF is set in a child process of its own (30 ms more): whatever a plan holds, the service sees it end in time.
"""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

from chassis.child import run_program
from chassis.errors import Unavailable
from chassis.telemetry import log
from services.reporting.adapters.pdf_content import content_of
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import File, PlanDocument

_PROGRAM = Path(__file__).with_name("pdf_worker.py")
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
            pdf = await run_program(_PROGRAM, content, seconds=self.seconds, args=[str(int(made_at.timestamp()))])
        if pdf is None:
            log.warning("pdf.not_made", careplan_id=str(document.careplan_id), version=document.version)
            raise Unavailable("The PDF could not be made in time: try again, or take the text.")
        return File(pdf, "application/pdf", "pdf")
