"""The plan as plain text: what the pharmacist reads and signs."""

from schemas.readable import readable
from services.reporting.domain.plan_document import File, PlanDocument


async def write_text(document: PlanDocument) -> File:
    return File(readable(document.plan, document.order, document.review).encode(), "text/plain; charset=utf-8", "txt")
