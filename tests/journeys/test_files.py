"""Records as a file: beside the order, or inside a partner's own format."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from chassis.crypto import Keyring
from tests.support import pdfs
from tests.support.left_out import installed
from tests.support.orders import new_order
from tests.support.partners import new_patient
from tests.support.stack import SAMPLES, Stack, secrets

NOTE = (SAMPLES / "records/ivig-gmg.txt").read_text()
PDF = ("records.pdf", pdfs.printed(*NOTE.split("\n\n")), "application/pdf")


@pytest.fixture
def tesseract() -> str:
    return installed("tesseract", "Scans left out: no `tesseract` here")


def order_alone(**changes: Any) -> str:
    order = new_order(**changes)
    del order["patient_records"]
    return json.dumps(order)


async def post(
    system: Stack, file: tuple[str, bytes, str] | None, order: str | None = None, **headers: str
) -> httpx2.Response:
    files = {"order": (None, order or order_alone(), "application/json")} | ({"patient_records": file} if file else {})
    return await system.as_("assistant").post("/api/orders", files=files, headers=headers)


def faults(answer: httpx2.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    return [(fault["field"], fault["code"]) for fault in answer.json()["detail"]["errors"]]


async def records_of(system: Stack, answer: httpx2.Response) -> str:
    assert answer.status_code == 202, answer.text
    shown = (await system.as_("assistant").get(f"/api/orders/{answer.json()['order_id']}")).json()
    records: str = shown["order"]["patient_records"]
    return records


async def test_a_text_file_is_the_records_and_the_order_completes(system: Stack) -> None:
    answer = await post(system, ("ivig-gmg.txt", NOTE.encode(), "text/plain; charset=utf-8"))
    assert await records_of(system, answer) == NOTE
    await system.until(answer.json()["order_id"], "completed")


async def test_a_pdfs_text_is_the_records_and_the_order_completes(system: Stack) -> None:
    answer = await post(system, PDF, Prefer="wait=20")
    records = await records_of(system, answer)
    assert "creatinine 0.78 mg/dL" in records
    order = await system.until(answer.json()["order_id"], "completed")
    quotes = [citation for citation in order["careplan"]["citations"] if citation["kind"] == "record"]
    assert all(records[citation["start"] : citation["end"]] == citation["quote"] for citation in quotes)


async def documents_of(system: Stack, answer: httpx2.Response) -> list[Any]:
    connection = await asyncpg.connect(system.environments["intake"]["DATABASE_URL"])
    query = "SELECT * FROM intake.documents WHERE order_id = $1 ORDER BY id"
    rows: list[Any] = await connection.fetch(query, UUID(answer.json()["order_id"]))
    await connection.close()
    return rows


async def test_the_original_is_kept_encrypted_with_the_order(system: Stack) -> None:
    answer = await post(system, PDF)
    (kept,) = await documents_of(system, answer)
    assert (kept["kind"], kept["source"], kept["size"]) == ("records", "web", len(PDF[1]))
    opened = Keyring.parse(secrets().encryption_keys).open(kept["key_id"], kept["sealed"], kept["id"].bytes)
    assert opened == PDF[1]


@pytest.mark.usefixtures("tesseract")
async def test_a_scan_is_read(system: Stack) -> None:
    scan = pdfs.scanned("Creatinine 0.78 mg/dL\nNo history of thrombosis")
    records = await records_of(system, await post(system, ("scan.pdf", scan, "application/pdf")))
    assert "No history of thrombosis" in records


@pytest.mark.usefixtures("tesseract")
async def test_more_scanned_pages_than_can_be_read_in_time_are_refused(system: Stack) -> None:
    answer = await post(system, ("scan.pdf", pdfs.scanned(*["page"] * 11), "application/pdf"))
    assert faults(answer) == [("patient_records", "RECORDS_UNREADABLE")]
    assert "10 scanned pages" in answer.json()["detail"]["errors"][0]["message"]


PDF_BYTES = PDF[1]
UNREADABLE = {
    "encrypted": (pdfs.encrypted("secret"), "application/pdf", "encrypted"),
    "truncated": (PDF_BYTES[: len(PDF_BYTES) // 2], "application/pdf", "truncated"),
    "damaged": (b"%PDF-1.7\n" + b"\xff" * 500 + b"%%EOF", "application/pdf", "damaged"),
    "a bomb": (pdfs.bomb(), "application/pdf", "too complex"),
    "too many pages": (pdfs.printed(*["x"] * 501), "application/pdf", "too complex"),
    "nothing on it": (pdfs.printed(""), "application/pdf", "shows no text"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "application/pdf", "neither"),
    "a picture by its name": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", "neither"),
    "text called a PDF": (b"just text", "application/pdf", "labelled application/pdf"),
    "a PDF called text": (PDF_BYTES, "text/plain", "labelled text/plain"),
    "text called HTML": (b"<b>bold</b>", "text/html", "labelled"),
    "not UTF-8": ("naïve".encode("latin-1"), "text/plain", "neither"),
}


@pytest.mark.parametrize(("content", "label", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_file_that_cannot_be_read_is_refused_and_the_message_says_why(
    system: Stack, content: bytes, label: str, said: str
) -> None:
    answer = await post(system, ("patient.pdf", content, label))
    assert faults(answer) == [("patient_records", "RECORDS_UNREADABLE")]
    assert said in answer.json()["detail"]["errors"][0]["message"]
    await records_of(system, await post(system, PDF))  # and the next one is read


@pytest.mark.parametrize(
    "file",
    [
        ("r.txt", b"x" * 200_001, "text/plain"),
        ("r.txt", b"x" * 9_000_000, "text/plain"),
        ("r.pdf", pdfs.printed(*["word " * 900] * 60), "application/pdf"),
    ],
    ids=["text", "much text", "PDF"],
)
async def test_more_than_200_000_characters_are_too_large(system: Stack, file: tuple[str, bytes, str]) -> None:
    assert faults(await post(system, file)) == [("patient_records", "RECORDS_TOO_LARGE")]


async def test_control_characters_are_dropped_from_a_file(system: Stack) -> None:
    text = "\ufeffHgb 13.1\r\npage\fnext \x07bell \u2028 end".encode()
    assert await records_of(system, await post(system, ("r.txt", text, "text/plain"))) == (
        "Hgb 13.1\npage\nnext bell \n end"
    )


async def test_records_both_in_the_order_and_as_a_file_are_refused(system: Stack) -> None:
    answer = await post(system, PDF, json.dumps(new_order()))
    assert faults(answer) == [("patient_records", "VALUE")]


async def test_without_a_file_the_records_stand_in_the_order(system: Stack) -> None:
    assert (await post(system, None, json.dumps(new_order()))).status_code == 202
    assert faults(await post(system, None)) == [("patient_records", "REQUIRED")]


async def test_faults_of_the_order_and_of_the_file_are_said_at_once(system: Stack) -> None:
    answer = await post(system, ("r.pdf", b"\0", "application/pdf"), order_alone(patient={"mrn": "1"}, medication=""))
    assert sorted(faults(answer)) == [
        ("medication", "REQUIRED"),
        ("patient.mrn", "MRN_FORMAT"),
        ("patient_records", "RECORDS_UNREADABLE"),
    ]


async def test_the_parts_are_those_two_once_each(system: Stack) -> None:
    client = system.as_("assistant")
    order = ("order", (None, order_alone(), "application/json"))
    record = ("patient_records", PDF)
    assert faults(await client.post("/api/orders", files=[record])) == [("order", "REQUIRED")]
    assert faults(await client.post("/api/orders", files=[order, record, record])) == [("patient_records", "VALUE")]
    assert faults(await client.post("/api/orders", files=[order, record, ("x", (None, "1"))])) == [
        ("x", "UNKNOWN_FIELD")
    ]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"garbage"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="order"\r\n\r\n{}'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="order"\r\n\r\n{\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A" * 100_000 + b"\r\n"),
        ("multipart/form-data; boundary=" + "x" * 200, b"--x--"),
    ],
)
async def test_what_is_no_multipart_is_malformed(system: Stack, content_type: str, body: bytes) -> None:
    answer = await system.as_("assistant").post("/api/orders", content=body, headers={"Content-Type": content_type})
    assert faults(answer) == [("", "MALFORMED")]


@pytest.mark.parametrize(("part", "limit"), [("order", 2), ("patient_records", 10)])
async def test_a_part_over_its_limit_is_413(system: Stack, part: str, limit: int) -> None:
    contents = {"order": b"{}", "patient_records": b"%PDF-"} | {part: b" " * (limit * 1024 * 1024 + 1)}
    files = {name: (name, content, "application/pdf") for name, content in contents.items()}
    answer = await system.as_("assistant").post("/api/orders", files=files)
    assert (answer.status_code, answer.json()["detail"]) == (413, {"limit_bytes": limit * 1024 * 1024})


async def test_the_same_key_and_body_with_a_file_is_one_order(system: Stack) -> None:
    boundary = {"Content-Type": "multipart/form-data; boundary=fixed", "Idempotency-Key": "the_same_file"}
    order = order_alone()
    answers = [await post(system, PDF, order, **boundary) for _ in range(2)]
    assert answers[0].status_code == 202, answers[0].text
    assert answers[0].json() == answers[1].json()
    other = await post(system, ("r.txt", b"other", "text/plain"), **boundary)
    assert other.status_code == 422


async def test_a_file_is_the_staffs_to_send(system: Stack) -> None:
    files: list[tuple[str, Any]] = [("order", (None, order_alone())), ("patient_records", PDF)]
    for client, status in ((system.anonymous(), 401), (system.as_partner("clinic"), 403), (system.as_("analyst"), 403)):
        assert (await client.post("/api/orders", files=files)).status_code == status


# ── inside a partner's format ──────────────────────────────────────────────────────────────────────────────────


def with_document(content: bytes, mime: str = "application/pdf") -> bytes:
    text = new_patient("pharmacorp").decode()
    start, end = text.index("<co:ClinicalNotes>"), text.index("</co:CareOrder>")
    encoded = base64.b64encode(content).decode()
    document = f'<co:ClinicalDocument mimeType="{mime}">{encoded}</co:ClinicalDocument>'
    return f"{text[:start]}{document}{text[end:]}".encode()


async def post_xml(system: Stack, body: bytes) -> httpx2.Response:
    headers = {"Content-Type": "application/xml"}
    return await system.as_partner("pharmacorp").post("/api/intake/pharmacorp", content=body, headers=headers)


async def test_a_pdf_inside_a_partners_xml_is_read_and_kept(system: Stack) -> None:
    answer = await post_xml(system, with_document(PDF_BYTES))
    assert "creatinine 0.78" in await records_of(system, answer)
    raw, records = await documents_of(system, answer)
    assert (raw["kind"], records["kind"], records["size"]) == ("raw", "records", len(PDF_BYTES))


async def test_a_large_pdf_inside_a_partners_xml_lies_in_the_folder(system: Stack) -> None:
    padded = PDF_BYTES.replace(b"%%EOF", b"%" + b"x" * 4_000_000 + b"\n%%EOF")
    body = with_document(padded)
    answer = await post_xml(system, body)
    assert "creatinine 0.78" in await records_of(system, answer)
    raw, records = await documents_of(system, answer)
    assert raw["sealed"] is records["sealed"] is None
    folder = Path(system.environments["intake"]["CAREPLAN_HOME"]) / "documents"
    assert (folder / records["id"].hex[-2:] / records["id"].hex).stat().st_size > 4_000_000
    assert (await system.as_("admin").get(f"/api/ops/submissions/{raw['id']}")).content == body


@pytest.mark.parametrize(
    ("content", "mime"),
    [(pdfs.encrypted("x"), "application/pdf"), (b"text", "application/pdf"), (PDF_BYTES, "text/plain")],
)
async def test_an_unreadable_document_is_named_by_its_path(system: Stack, content: bytes, mime: str) -> None:
    assert faults(await post_xml(system, with_document(content, mime))) == [
        ("co:ClinicalDocument", "RECORDS_UNREADABLE")
    ]


# ── the others are not kept waiting ────────────────────────────────────────────────────────────────────────────


async def test_while_hostile_files_are_read_others_are_answered_at_once(system: Stack) -> None:
    bomb_file = ("b.pdf", pdfs.bomb(500), "application/pdf")
    bombs = [asyncio.create_task(post(system, bomb_file)) for _ in range(4)]
    answered = 0
    client = system.as_("assistant")
    while not all(bomb.done() for bomb in bombs):
        assert (await client.get("/health/live")).status_code == 200
        answered += 1
        await asyncio.sleep(0.01)
    assert {(await bomb).status_code for bomb in bombs} == {400}
    assert answered > 30, "hundreds; held up, it would be one or two between any two files"
