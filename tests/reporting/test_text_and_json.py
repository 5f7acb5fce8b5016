"""The plain downloads: the text that is signed, and the plan as the API shows it with its order."""

import json

from schemas.readable import plan_text
from services.reporting.adapters.json_file import write_json
from services.reporting.adapters.text import write_text
from services.reporting.documents import ShownCarePlan
from tests.support.plan_documents import sample_document


async def test_the_text_is_the_one_that_is_signed_under_a_banner_until_it_is() -> None:
    draft, signed = sample_document("ivig"), sample_document("ivig", approved=(1,))
    assert (
        await write_text(draft)
    ).content.decode() == f"Draft: requires pharmacist review\n\n{plan_text(draft.plan, draft.order)}"
    assert (await write_text(signed)).content.decode() == plan_text(signed.plan, signed.order)


async def test_the_json_is_the_plan_as_shown_with_its_order_and_without_records() -> None:
    document = sample_document("ivig", version=2, approved=(1,))
    file = await write_json(document)
    body = json.loads(file.content)
    shown = ShownCarePlan.model_validate_json(file.content)
    assert (shown.version, shown.review, len(shown.versions)) == (2, "draft", 2)
    assert body["versions"][0]["approved_at"] == "2026-02-05T16:30:00Z"
    assert body["order"]["patient"]["mrn"] == document.order.patient.mrn
    assert "patient_records" not in body["order"]
    assert file.media_type == "application/json"
