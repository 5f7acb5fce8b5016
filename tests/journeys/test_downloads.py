"""A care plan leaves the system in each of its formats, as a draft, signed, and edited."""

import asyncio
import json
from typing import Any

import httpx2
import pypdfium2 as pdfium
import pytest
from fhir.resources.R4B.bundle import Bundle

from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack

FORMATS = {
    "txt": ("text/plain; charset=utf-8", "txt"),
    "pdf": ("application/pdf", "pdf"),
    "json": ("application/json", "json"),
    "fhir": ("application/fhir+json", "fhir.json"),
}


async def written_plan(system: Stack) -> tuple[dict[str, Any], str]:
    """A completed order, and its care plan's id."""
    order = new_order()
    order_id = (await system.as_("assistant").post("/api/orders", json=order)).json()["order_id"]
    return order, (await system.until(order_id, "completed"))["careplan"]["careplan_id"]


async def downloaded(client: httpx2.AsyncClient, careplan_id: str, format: str, name: str) -> httpx2.Response:
    """The file once it is named so: reporting hears of a version a moment after it was made."""
    answer = await client.get(f"/api/careplans/{careplan_id}/download", params={"format": format})
    for _ in range(500):
        if name in answer.headers.get("content-disposition", ""):
            return answer
        await asyncio.sleep(0.02)
        answer = await client.get(f"/api/careplans/{careplan_id}/download", params={"format": format})
    raise AssertionError(answer.headers)


async def signed(system: Stack, careplan_id: str) -> None:
    pharmacist = system.as_("pharmacist")
    assert (await pharmacist.post(f"/api/careplans/{careplan_id}/approve")).status_code == 200
    for _ in range(500):
        if (await pharmacist.get(f"/api/careplans/{careplan_id}")).json()["review"] == "approved":
            return
        await asyncio.sleep(0.02)
    raise AssertionError("reporting never heard of the approval")


def text_of(pdf: bytes) -> str:
    return " ".join(page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(pdf))


@pytest.mark.parametrize("format", FORMATS)
async def test_every_format_is_a_file_named_by_id_and_never_by_a_patient(system: Stack, format: str) -> None:
    order, careplan_id = await written_plan(system)
    media_type, suffix = FORMATS[format]
    name = f"careplan-{careplan_id}-v1.{suffix}"
    answer = await downloaded(system.as_("assistant"), careplan_id, format, name)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert order["patient"]["last_name"] not in str(answer.headers)
    text = text_of(answer.content) if format == "pdf" else answer.text
    assert order["patient"]["mrn"] in text
    assert order["patient"]["last_name"] in text


async def test_a_signature_makes_the_pdf_lose_its_banner_and_the_fhir_document_final(system: Stack) -> None:
    _, careplan_id = await written_plan(system)
    client = system.as_("assistant")
    pdf = await downloaded(client, careplan_id, "pdf", "-v1.pdf")
    assert "Draft: requires pharmacist review" in text_of(pdf.content)
    await signed(system, careplan_id)
    pdf = await downloaded(client, careplan_id, "pdf", "-v1.pdf")
    assert "Draft" not in text_of(pdf.content)
    assert "Approved by pharmacist" in text_of(pdf.content)
    bundle = (await downloaded(client, careplan_id, "fhir", "-v1.fhir.json")).content
    Bundle.model_validate_json(bundle)
    composition = json.loads(bundle)["entry"][0]["resource"]
    assert (composition["status"], composition["attester"][0]["mode"]) == ("final", "professional")


async def test_an_edited_text_is_refused_as_fhir_and_given_in_the_other_formats(system: Stack) -> None:
    _, careplan_id = await written_plan(system)
    body = {"text": "Only my own words.", "note": "shorter"}
    await system.as_("pharmacist").post(f"/api/careplans/{careplan_id}/revisions", json=body)
    client = system.as_("assistant")
    for kind in ("txt", "json", "pdf"):
        answer = await downloaded(client, careplan_id, kind, f"-v2.{kind}")
        assert "Only my own words." in (text_of(answer.content) if kind == "pdf" else answer.text)
    refused = await client.get(f"/api/careplans/{careplan_id}/download", params={"format": "fhir"})
    assert_error(refused, 409, "error", "WRONG_STATE")


@pytest.mark.parametrize("format", FORMATS)
async def test_no_format_is_given_to_whom_the_plan_does_not_belong(system: Stack, format: str) -> None:
    _, careplan_id = await written_plan(system)
    await downloaded(system.as_("assistant"), careplan_id, format, careplan_id)
    path = f"/api/careplans/{careplan_id}/download"
    assert_error(await system.as_partner("clinic").get(path, params={"format": format}), 404, "error", "NOT_FOUND")
    assert_error(await system.as_("analyst").get(path, params={"format": format}), 403, "error", "FORBIDDEN")
    assert_error(await system.anonymous().get(path, params={"format": format}), 401, "error", "UNAUTHENTICATED")
