"""Partners post what their own systems write, and it becomes a care plan; what they sent is kept as they sent it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from services.intake.adapters.sources import SOURCES
from tests.support.orders import assert_error
from tests.support.partners import Sample, clinic, new_patient
from tests.support.stack import Stack

WAIT = {"Prefer": "wait=20"}
EVERY_SOURCE = pytest.mark.parametrize("source", sorted(SOURCES))


async def post(
    system: Stack,
    source: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    caller: httpx2.AsyncClient | None = None,
) -> httpx2.Response:
    return await (caller or system.as_partner(source)).post(
        f"/api/intake/{source}",
        content=new_patient(source) if body is None else body,
        headers={"Content-Type": SOURCES[source].content_type, **(headers or {})},
    )


@dataclass
class Kept:
    """What was kept since the test began, newest first."""

    system: Stack
    before: str = ""

    async def everything(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.system.as_("admin").get("/api/ops/submissions", params=query)
        assert answer.status_code == 200, answer.text
        return [item for item in answer.json()["items"] if item["id"] > self.before]


@pytest.fixture
async def kept(system: Stack) -> Kept:
    earlier = await Kept(system).everything()
    return Kept(system, earlier[0]["id"] if earlier else "")


@EVERY_SOURCE
async def test_a_partners_order_becomes_a_care_plan(system: Stack, source: str) -> None:
    answer = await post(system, source)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/orders/{answer.json()['order_id']}"
    order = await system.until(answer.json()["order_id"], "completed", caller=system.as_partner(source))
    assert (order["source"], order["external_id"] is not None) == (source, True)
    assert "Problem list" in order["careplan"]["text"]


@EVERY_SOURCE
async def test_who_waits_gets_the_decision(system: Stack, source: str) -> None:
    body = new_patient(source)
    answer = await post(system, source, body, headers=WAIT)
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    again = await post(system, source, body, headers=WAIT)
    assert_error(again, 409, "block", "DUPLICATE_ORDER_SAME_DAY")


async def test_the_same_key_gives_the_first_answer_again(system: Stack, kept: Kept) -> None:
    body, key = new_patient("clinic"), {"Idempotency-Key": "test_the_same_key"}
    answers = await asyncio.gather(*(post(system, "clinic", body, headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert_error(await post(system, "clinic", headers=key), 422, "error", "IDEMPOTENCY_KEY_REUSED")
    items = await kept.everything(source="clinic")
    assert [item["outcome"] for item in items] == ["refused", *["accepted"] * 8], "each post was sent, so each is kept"
    assert {item["order_id"] for item in items if item["order_id"]} == {answers[0].json()["order_id"]}


async def test_a_refusal_with_a_key_is_remembered_too(system: Stack, kept: Kept) -> None:
    key = {"Idempotency-Key": "test_a_refusal"}
    first, again = [await post(system, "clinic", b"{}", headers=key) for _ in range(2)]
    assert first.text == again.text
    assert_error(await post(system, "clinic", headers={"Idempotency-Key": "k" * 256}), 400, "validation", "VALIDATION")
    assert [item["outcome"] for item in await kept.everything()] == ["refused"] * 3


async def test_all_faults_are_said_at_once_under_the_partners_names(system: Stack) -> None:
    body = clinic(lambda d: (d["pt"].update(chart_no="x", fname="R2D2"), d.update(dx=["M0579", "G70.77"], ref_by=None)))
    answer = await post(system, "clinic", body)
    assert answer.status_code == 400
    assert {(fault["field"], fault["code"]) for fault in answer.json()["detail"]["errors"]} == {
        ("pt.chart_no", "MRN_FORMAT"),
        ("pt.fname", "NAME_FORMAT"),
        ("dx.1", "ICD10_UNKNOWN"),
        ("ref_by", "REQUIRED"),
    }


async def test_unknown_fields_are_accepted_with_a_notice_that_names_them(system: Stack) -> None:
    answer = await post(system, "clinic", clinic(lambda d: d["pt"].update(nickname="Mari")), headers=WAIT)
    assert answer.status_code == 202
    partner = system.as_partner("clinic")
    order = await system.until(answer.json()["order_id"], {"processing", "completed"}, caller=partner)
    notices = [problem for problem in order["problems"] if problem["code"] == "UNKNOWN_FIELD"]
    assert [(notice["type"], notice["detail"]) for notice in notices] == [("notice", {"field": "pt.nickname"})]


async def test_a_category_of_icd_10_is_noticed_at_the_partners_place(system: Stack) -> None:
    answer = await post(system, "pharmacorp", headers=WAIT)
    order = await system.until(answer.json()["order_id"], {"processing", "completed"})
    notice = next(problem for problem in order["problems"] if problem["code"] == "ICD10_NOT_BILLABLE")
    assert notice["detail"] == {"field": "co:Diagnoses/co:Diagnosis[@rank='1']", "diagnosis": "G35"}


async def test_a_door_opens_to_its_own_partner_only(system: Stack, kept: Kept) -> None:
    assert (await post(system, "clinic", caller=system.anonymous())).status_code == 401
    assert (await post(system, "clinic", caller=system.as_partner("pharmacorp"))).status_code == 403
    for role in ("assistant", "pharmacist", "analyst", "admin"):
        assert (await post(system, "clinic", caller=system.as_(role))).status_code == 403
    own = system.as_partner("clinic")
    assert (await own.post("/api/intake/acme", content=b"{}")).status_code == 404
    assert (await own.post("/api/orders", json={})).status_code == 403
    accepted = (await post(system, "clinic")).json()["order_id"]
    assert (await system.as_partner("pharmacorp").get(f"/api/orders/{accepted}")).status_code == 404
    assert len(await kept.everything()) == 1, "what was not authenticated for this door is not kept"


@EVERY_SOURCE
@pytest.mark.parametrize("content_type", ["text/plain", "", "application/octet-stream"])
async def test_another_content_type_is_415_and_kept_all_the_same(
    system: Stack, kept: Kept, source: str, content_type: str
) -> None:
    answer = await post(system, source, headers={"Content-Type": content_type})
    assert_error(answer, 415, "error", "UNSUPPORTED_MEDIA_TYPE")
    items = await kept.everything()
    assert [(item["outcome"], item["content_type"]) for item in items] == [("refused", content_type)]


@pytest.mark.parametrize(("source", "limit"), [("clinic", 2), ("hl7v2", 2), ("pharmacorp", 15)])
async def test_a_body_over_the_limit_is_413(system: Stack, source: str, limit: int) -> None:
    answer = await post(system, source, b" " * (limit * 1024 * 1024 + 1))
    assert_error(answer, 413, "error", "TOO_LARGE")


SENT: dict[str, tuple[Sample, str, int]] = {
    "with a charset": (Sample("clinic", "application/json; charset=utf-8", new_patient("clinic")), "accepted", 202),
    "HL7": (Sample("hl7v2", "application/hl7-v2", new_patient("hl7v2")), "accepted", 202),
    "no text": (Sample("clinic", "application/json", b'{"pt": "\xff\xfe\x00 no text'), "refused", 400),
    "large": (Sample("clinic", "Application/JSON", clinic(lambda d: d.update(notes="lab " * 25_000))), "accepted", 202),
    "too large": (
        Sample("clinic", "application/json", clinic(lambda d: d.update(notes="x" * 300_000))),
        "refused",
        400,
    ),
}


@pytest.mark.parametrize(("sent", "outcome", "status"), SENT.values(), ids=SENT.keys())
async def test_what_was_sent_is_kept_byte_for_byte_with_its_content_type(
    system: Stack, kept: Kept, sent: Sample, outcome: str, status: int
) -> None:
    answer = await post(system, sent.source, sent.body, headers={"Content-Type": sent.content_type})
    assert answer.status_code == status, answer.text
    (item,) = await kept.everything()
    assert (item["outcome"], item["order_id"]) == (outcome, answer.json().get("order_id"))
    assert item["size"] == len(sent.body)
    raw = await system.as_("admin").get(f"/api/ops/submissions/{item['id']}")
    assert (raw.content, raw.headers["content-type"]) == (sent.body, sent.content_type)
    assert raw.headers["content-disposition"].startswith("attachment")


async def test_nothing_that_was_sent_lies_readable_anywhere(system: Stack) -> None:
    await post(system, "clinic", clinic(lambda d: d.update(notes="Kryptonite allergy. " * 8_000)))
    await post(system, "clinic", clinic(lambda d: d.update(notes="Kryptonite")))
    settings = system.environments["intake"]
    connection = await asyncpg.connect(settings["DATABASE_URL"])
    small, large = await connection.fetch("SELECT id, sealed FROM intake.documents ORDER BY id DESC LIMIT 2")
    await connection.close()
    assert large["sealed"] is None, "large ones lie in the folder"
    file = Path(settings["CAREPLAN_HOME"]) / "documents" / large["id"].hex[-2:] / large["id"].hex
    for sealed in (small["sealed"], file.read_bytes()):
        assert b"Kryptonite" not in sealed
    assert file.stat().st_mode & 0o077 == 0


async def test_an_operator_finds_refused_posts_and_pages_through_them(system: Stack) -> None:
    for number in range(5):
        await post(system, "clinic", b"{}" + b" " * number)
    await post(system, "clinic")
    await post(system, "hl7v2", b"MSH")
    admin = system.as_("admin")
    sizes, cursor = list[int](), ""
    while cursor is not None and len(sizes) < 5:
        query = {"source": "clinic", "outcome": "refused", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/api/ops/submissions", params=query)).json()
        sizes += [item["size"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sizes[:5] == [6, 5, 4, 3, 2], "newest first"
    for role in ("assistant", "pharmacist", "analyst"):
        assert (await system.as_(role).get("/api/ops/submissions")).status_code == 403
    assert (await system.as_partner("clinic").get("/api/ops/submissions")).status_code == 403
    assert (await admin.get("/api/ops/submissions/none")).status_code == 404
    assert (await admin.get("/api/ops/submissions", params={"outcome": "lost"})).status_code == 400


async def test_an_operator_submits_again_what_was_refused(system: Stack, kept: Kept) -> None:
    assert (await post(system, "clinic", b"{}")).status_code == 400
    (item,) = await kept.everything()
    again = await system.as_("admin").post(f"/api/ops/submissions/{item['id']}/resubmit")
    assert again.status_code == 400, "the same adapter says the same"
    newer, older = await kept.everything()
    assert older["resubmitted_at"] is not None
    assert newer["resubmitted_at"] is None
    assert newer["sha256"] == older["sha256"]


async def test_a_post_of_another_media_type_is_kept_and_refused_for_it_again(system: Stack, kept: Kept) -> None:
    assert (await post(system, "clinic", b"{}", {"Content-Type": "text/plain"})).status_code == 415
    (item,) = await kept.everything()
    again = await system.as_("admin").post(f"/api/ops/submissions/{item['id']}/resubmit")
    assert_error(again, 415, "error", "UNSUPPORTED_MEDIA_TYPE")
    paths = (await system.anonymous().get("/openapi.json")).json()["paths"]
    assert "415" in paths["/api/ops/submissions/{id}/resubmit"]["post"]["responses"]


async def test_what_is_submitted_again_is_the_partners_order(system: Stack, kept: Kept) -> None:
    accepted = await post(system, "clinic", headers=WAIT)
    (item,) = await kept.everything()
    address = f"/api/ops/submissions/{item['id']}/resubmit"
    again = await system.as_("admin").post(address, headers=WAIT)
    order_id = assert_error(again, 409, "block", "DUPLICATE_ORDER_SAME_DAY")["detail"]["order_id"]
    assert order_id != accepted.json()["order_id"]
    assert (await system.as_partner("clinic").get(f"/api/orders/{order_id}")).json()["source"] == "clinic"
    assert (await system.as_("pharmacist").post(address)).status_code == 403


HOSTILE = {
    "deep": b"<a>" * 1_000_000,
    "dtd": b'<!DOCTYPE a [<!ENTITY x "ha">]>' + b" " * 100_000 + b"<a>&x;</a>",
    "attributes": b"<a " + b"".join(b'a%d="" ' % n for n in range(300_000)) + b"/>",
    "elements": b"<a>" + b"<b/>" * 500_000 + b"</a>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_after_a_large_hostile_body_a_normal_order_still_completes(system: Stack, body: bytes) -> None:
    answer = await post(system, "pharmacorp", body)
    assert (answer.status_code, answer.json()["detail"]["errors"][0]["code"]) == (400, "MALFORMED")
    accepted = await post(system, "pharmacorp")
    await system.until(accepted.json()["order_id"], "completed")
