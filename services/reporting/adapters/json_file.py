"""The plan as JSON: what the API shows of it, and its order."""

import json
from dataclasses import asdict

from services.reporting.domain.plan_document import File, PlanDocument
from services.reporting.domain.views import shown_careplan


async def write_json(document: PlanDocument) -> File:
    row = {name: getattr(document, name) for name in ("careplan_id", "order_id", "version", "review")}
    shown = shown_careplan(row, document.plan, document.order, [asdict(version) for version in document.versions])
    body = shown | {"order": document.order.model_dump(mode="json", exclude={"patient_records"})}
    return File(json.dumps(body, ensure_ascii=False).encode(), "application/json", "json")
