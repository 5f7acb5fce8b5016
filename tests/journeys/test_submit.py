"""`POST /api/orders` over the whole system: answers, waiting, and the same answer for the same key."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack

WAIT = {"Prefer": "wait=20"}
JSON = {"Content-Type": "application/json"}


async def post(client: httpx2.AsyncClient, order: dict[str, Any], **headers: str) -> httpx2.Response:
    return await client.post(
        "/api/orders", json=order, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


async def test_an_order_is_answered_202_with_its_location_and_links(system: Stack) -> None:
    answer = await post(system.as_("assistant"), new_order())
    body = answer.json()
    self_path = f"/api/orders/{body['order_id']}"
    assert answer.status_code == 202
    assert answer.headers["location"] == self_path
    assert body == {
        "order_id": body["order_id"],
        "status": "pending",
        "links": {"self": self_path, "events": f"{self_path}/events"},
    }
    assert body["order_id"][14] == "7"  # UUIDv7
    assert "preference-applied" not in answer.headers


async def test_an_order_becomes_a_care_plan_of_that_patient(system: Stack) -> None:
    order = new_order()
    order_id = (await post(system.as_("assistant"), order)).json()["order_id"]
    shown = await system.until(order_id, "completed")
    assert [step["status"] for step in shown["timeline"]] == ["pending", "processing", "completed"]
    assert shown["order"]["patient"]["mrn"] == order["patient"]["mrn"]
    assert (shown["source"], shown["external_id"], shown["problems"]) == ("web", None, [])
    assert shown["submitted_at"].endswith("Z")
    assert shown["updated_at"] >= shown["submitted_at"]
    plan = shown["careplan"]
    assert (plan["version"], plan["review"]) == (1, "draft")
    assert order["patient"]["last_name"] in plan["text"]
    assert all(plan["sections"][name] for name in ("problem_list", "goals", "interventions", "monitoring"))
    records = order["patient_records"]
    quotes = [citation for citation in plan["citations"] if citation["kind"] == "record"]
    assert quotes
    assert all(records[quote["start"] : quote["end"]] == quote["quote"] for quote in quotes)


async def test_the_normalised_order_is_shown(system: Stack) -> None:
    order = new_order(primary_diagnosis="g7000", additional_diagnoses=["i10"], patient={"first_name": " José "})
    del order["medication_history"]
    answer = await post(system.as_("assistant"), order)
    shown = (await system.as_("assistant").get(answer.headers["location"])).json()["order"]
    assert (shown["primary_diagnosis"], shown["additional_diagnoses"]) == ("G70.00", ["I10"])
    assert shown["patient"]["first_name"] == " José "
    assert shown["medication_history"] == []
    assert shown["order_date"] == "2026-02-05"
    assert shown["patient_records"] == order["patient_records"]


# ── Prefer: wait ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_waiting_for_an_accepted_order_gives_processing(system: Stack) -> None:
    answer = await post(system.as_("assistant"), new_order(), **WAIT)
    assert answer.status_code == 202
    assert answer.json()["status"] == "processing"
    assert answer.headers["preference-applied"] == "wait"
    assert answer.headers["location"] == f"/api/orders/{answer.json()['order_id']}"


async def test_waiting_for_a_blocked_order_gives_409_with_the_block(system: Stack) -> None:
    order = new_order()
    client = system.as_("assistant")
    first = await post(client, order, **WAIT)
    answer = await post(client, order, **WAIT)
    body = assert_error(answer, 409, "block", "DUPLICATE_ORDER_SAME_DAY")
    detail = body["detail"]
    assert answer.headers["location"] == f"/api/orders/{detail['order_id']}"
    assert [block["code"] for block in detail["blocks"]] == ["DUPLICATE_ORDER_SAME_DAY"]
    assert detail["blocks"][0]["detail"]["orders"][0]["order_id"] == first.json()["order_id"]
    assert (detail["warnings"], detail["notices"]) == ([], [])
    shown = (await client.get(answer.headers["location"])).json()
    assert (shown["status"], shown["careplan"]) == ("rejected", None)
    assert shown["problems"] == detail["blocks"]


async def test_waiting_for_a_doubtful_order_gives_409_with_the_warning_and_where_to_confirm(system: Stack) -> None:
    order = new_order()
    client = system.as_("assistant")
    await post(client, order, **WAIT)
    answer = await post(client, order | {"order_date": "2026-02-06"}, **WAIT)
    detail = assert_error(answer, 409, "warning", "DUPLICATE_ORDER_OTHER_DAY")["detail"]
    assert detail["confirm"] == f"/api/orders/{detail['order_id']}/confirm"
    assert answer.headers["location"] == f"/api/orders/{detail['order_id']}"
    assert [(w["code"], w["confirmed"]) for w in detail["warnings"]] == [("DUPLICATE_ORDER_OTHER_DAY", False)]
    assert (await client.get(answer.headers["location"])).json()["status"] == "needs_confirmation"


async def test_warnings_accepted_beforehand_do_not_ask(system: Stack) -> None:
    order = new_order()
    client = system.as_("assistant")
    await post(client, order, **WAIT)
    answer = await post(client, order | {"order_date": "2026-02-06", "confirm": True}, **WAIT)
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    problems = (await client.get(answer.headers["location"])).json()["problems"]
    assert [(p["code"], p["confirmed"]) for p in problems] == [("DUPLICATE_ORDER_OTHER_DAY", True)]


async def test_warnings_accepted_beforehand_never_override_a_block(system: Stack) -> None:
    order = new_order()
    client = system.as_("assistant")
    await post(client, order, **WAIT)
    assert_error(await post(client, order | {"confirm": True}, **WAIT), 409, "block", "DUPLICATE_ORDER_SAME_DAY")


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "respond-async", "wait"])
async def test_what_asks_for_no_wait_is_answered_pending(prefer: str, system: Stack) -> None:
    answer = await post(system.as_("assistant"), new_order(), Prefer=prefer)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert "preference-applied" not in answer.headers


async def test_a_preference_counts_in_whichever_header_line_it_stands(system: Stack) -> None:
    lines = [("Prefer", "handling=lenient"), ("Prefer", "wait=20"), *JSON.items()]
    answer = await system.as_("assistant").post("/api/orders", content=json.dumps(new_order()), headers=lines)
    assert (answer.json()["status"], answer.headers["preference-applied"]) == ("processing", "wait")


# ── Idempotency-Key ────────────────────────────────────────────────────────────────────────────────────────────────


def same(one: httpx2.Response, two: httpx2.Response) -> bool:
    kept = ("location", "preference-applied", "content-type")
    return (one.status_code, one.content, [one.headers.get(h) for h in kept]) == (
        two.status_code,
        two.content,
        [two.headers.get(h) for h in kept],
    )


async def test_the_same_key_gives_the_first_answer_again_whatever_happened_in_between(system: Stack) -> None:
    client, order = system.as_("assistant"), new_order()
    first = await post(client, order, Idempotency_Key="again")
    await system.until(first.json()["order_id"], "completed")
    assert first.json()["status"] == "pending"
    assert same(await post(client, order, Idempotency_Key="again"), first)
    assert same(await post(client, order, Idempotency_Key="again", **WAIT), first)


async def test_an_answer_that_was_waited_for_is_given_again(system: Stack) -> None:
    client, order = system.as_("assistant"), new_order()
    first = await post(client, order, Idempotency_Key="waited", **WAIT)
    assert first.json()["status"] == "processing"
    await system.until(first.json()["order_id"], "completed")
    assert same(await post(client, order, Idempotency_Key="waited", **WAIT), first)
    assert same(await post(client, order, Idempotency_Key="waited"), first)


async def test_a_block_is_remembered_too(system: Stack) -> None:
    client, order = system.as_("assistant"), new_order()
    await post(client, order, **WAIT)
    first = await post(client, order, Idempotency_Key="blocked", **WAIT)
    assert first.status_code == 409
    assert same(await post(client, order, Idempotency_Key="blocked", **WAIT), first)


async def test_a_refused_form_is_remembered_too(system: Stack) -> None:
    client, order = system.as_("assistant"), new_order(patient={"mrn": "1"})
    first = await post(client, order, Idempotency_Key="refused")
    assert_error(first, 400, "validation", "VALIDATION")
    assert same(await post(client, order, Idempotency_Key="refused"), first)
    answer = await post(client, new_order(), Idempotency_Key="refused")
    assert_error(answer, 422, "error", "IDEMPOTENCY_KEY_REUSED")


async def test_another_body_under_the_same_key_is_422(system: Stack) -> None:
    client = system.as_("assistant")
    await post(client, new_order(), Idempotency_Key="one-body")
    answer = await post(client, new_order(), Idempotency_Key="one-body")
    assert_error(answer, 422, "error", "IDEMPOTENCY_KEY_REUSED")


async def test_another_content_type_under_the_same_key_is_422(system: Stack) -> None:
    client, body = system.as_("assistant"), json.dumps(new_order())
    headers = {"Idempotency-Key": "one-type"}
    wrong = await client.post("/api/orders", content=body, headers={**headers, "Content-Type": "text/plain"})
    assert_error(wrong, 415, "error", "UNSUPPORTED_MEDIA_TYPE")
    answer = await client.post("/api/orders", content=body, headers={**headers, **JSON})
    assert_error(answer, 422, "error", "IDEMPOTENCY_KEY_REUSED")


async def test_another_caller_may_use_the_same_key(system: Stack) -> None:
    order, other = new_order(), new_order()
    first = await post(system.as_("assistant"), order, Idempotency_Key="shared")
    second = await post(system.as_("pharmacist"), other, Idempotency_Key="shared")
    assert second.status_code == 202
    assert second.json()["order_id"] != first.json()["order_id"]


async def test_p6_twenty_at_once_under_one_key_are_one_order(system: Stack) -> None:
    """P6."""
    client, order = system.as_("assistant"), new_order()
    for headers in ({"Idempotency_Key": "twenty"}, {"Idempotency_Key": "twenty-waiting", **WAIT}):
        order = new_order()
        answers = await asyncio.gather(*(post(client, order, **headers) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        found = await client.get("/api/orders", params={"q": order["patient"]["mrn"]})
        assert len(found.json()["items"]) <= 1


async def test_two_bodies_at_once_under_one_key_are_one_order_and_422(system: Stack) -> None:
    client = system.as_("assistant")
    orders = [new_order() for _ in range(10)]
    answers = await asyncio.gather(*(post(client, order, Idempotency_Key="racing") for order in orders))
    assert sorted(answer.status_code for answer in answers) == [202] + [422] * 9


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_that_is_not_1_to_255_printable_characters_is_refused(key: str, system: Stack) -> None:
    answer = await post(system.as_("assistant"), new_order(), Idempotency_Key=key)
    body = assert_error(answer, 400, "validation", "VALIDATION")
    assert [error["field"] for error in body["detail"]["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b/c?d=e;f,g", '"quoted"'])
async def test_any_printable_key_will_do(key: str, system: Stack) -> None:
    assert (await post(system.as_("assistant"), new_order(), Idempotency_Key=key)).status_code == 202


# ── what is not an order ───────────────────────────────────────────────────────────────────────────────────────────


async def test_all_faults_are_answered_at_once(system: Stack) -> None:
    order = new_order(
        patient={"mrn": "1", "first_name": "", "nick": "x"}, provider={"npi": "12"}, primary_diagnosis="Z99.999",
        additional_diagnoses=["?", "I10", "G70.09"],
    )  # fmt: skip
    body = assert_error(await post(system.as_("assistant"), order), 400, "validation", "VALIDATION")
    assert {(error["field"], error["code"]) for error in body["detail"]["errors"]} == {
        ("patient.mrn", "MRN_FORMAT"),
        ("patient.first_name", "REQUIRED"),
        ("patient.nick", "UNKNOWN_FIELD"),
        ("provider.npi", "NPI_FORMAT"),
        ("primary_diagnosis", "ICD10_UNKNOWN"),
        ("additional_diagnoses.0", "ICD10_FORMAT"),
        ("additional_diagnoses.2", "ICD10_UNKNOWN"),
    }
    assert all(error["message"] for error in body["detail"]["errors"])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"hello", b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": "\0"}', b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 100_000,
     rb'{"\ud800": "\ud800"}', rb'{"medication": "\ud800\u0000"}', b'{"a":' * 990 + b"1" + b"}" * 990],
)  # fmt: skip
async def test_what_is_not_json_is_malformed(body: bytes, system: Stack) -> None:
    headers = {**JSON, "Idempotency-Key": f"malformed {body[:20]!r}"}
    answer = await system.as_("assistant").post("/api/orders", content=body, headers=headers)
    errors = assert_error(answer, 400, "validation", "VALIDATION")["detail"]["errors"]
    assert errors
    if not body.startswith((b'{"a":{', b'{"a":' * 9)):
        assert errors[0]["code"] == "MALFORMED"


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/vnd.x+json", "", "json"])
async def test_another_media_type_is_415(media_type: str, system: Stack) -> None:
    answer = await system.as_("assistant").post(
        "/api/orders", content=json.dumps(new_order()), headers={"Content-Type": media_type}
    )
    assert_error(answer, 415, "error", "UNSUPPORTED_MEDIA_TYPE")


async def test_a_charset_beside_the_media_type_does_not_matter(system: Stack) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await system.as_("assistant").post("/api/orders", content=json.dumps(new_order()), headers=headers)
    assert answer.status_code == 202


async def test_a_body_over_2_mib_is_413_whether_it_says_so_or_not(system: Stack) -> None:
    client, body = system.as_("assistant"), b" " * (2 * 1024 * 1024 + 1)

    async def in_pieces() -> Any:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    for content in (body, in_pieces()):
        answer = await client.post("/api/orders", content=content, headers=JSON)
        assert_error(answer, 413, "error", "TOO_LARGE")


async def test_the_longest_records_are_taken(system: Stack) -> None:
    order = new_order(patient_records="ä" * 200_000)
    answer = await post(system.as_("assistant"), order)
    assert answer.status_code == 202
    shown = (await system.as_("assistant").get(answer.headers["location"])).json()
    assert shown["order"]["patient_records"] == "ä" * 200_000


async def test_a_category_is_a_notice_that_asks_nothing(system: Stack) -> None:
    answer = await post(
        system.as_("assistant"), new_order(primary_diagnosis="G35", additional_diagnoses=["I10"]), **WAIT
    )
    assert answer.json()["status"] == "processing"
    [problem] = (await system.as_("assistant").get(answer.headers["location"])).json()["problems"]
    assert (problem["type"], problem["code"]) == ("notice", "ICD10_NOT_BILLABLE")
    assert problem["detail"] == {"field": "primary_diagnosis", "diagnosis": "G35"}
