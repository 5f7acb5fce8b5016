"""The plan as plain text: what the pharmacist reads and signs."""

from services.reporting.domain.plan_document import File, PlanDocument


async def write_text(document: PlanDocument) -> File:
    return File(document.plan.readable(document.review).encode(), "text/plain; charset=utf-8", "txt")
