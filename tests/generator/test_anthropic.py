"""The real SDK against a fake server: what is sent, and what each thing that can come back turns into."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import TypeAdapter

from schemas.readable import plan_text
from services.generator.adapters.anthropic import Anthropic
from services.generator.adapters.model import ModelFailed, ModelUnavailable
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.answer import Answer
from services.generator.domain.assemble import assemble
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest
from tests.support.clinical_orders import SAMPLES, order
from tests.support.plans import PRODUCED_BY, complaints, request_for

Handler = Callable[[httpx2.Request], httpx2.Response]
IDENTIFIED = order(
    patient_first_name="Ana",
    patient_last_name="Bell-Okonkwo",
    patient_mrn="012345",
    patient_date_of_birth="1979-06-08",
    provider={"name": "Dr. Jane Leventhal", "npi": "1234567893"},
    patient_records="Ana Bell-Okonkwo (MRN 12345, DOB 06/08/1979), a 46-year-old woman, 70 kg, seen by Jane Leventhal MD. "
    "BELL-OKONKWO, ANA born June 8, 1979. Ms. Okonkwo has no heart failure. Creatinine 0.78 mg/dL. IVIG planned for Ana.",
)


def model(handler: Handler, **options: Any) -> Anthropic:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    return Anthropic("key", base_url="http://model.test", model="claude-sonnet-5", http_client=client, **options)


def message(text: str = "{}", stop_reason: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-20260601",
        "content": [{"type": "text", "text": text}], "stop_reason": stop_reason, "stop_sequence": None,
        "usage": {"input_tokens": 100, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300, "output_tokens": 50},
    } | fields  # fmt: skip


def answers(body: Any, status: int = 200, **headers: str) -> Handler:
    return lambda _: httpx2.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def raises(error: Exception) -> Handler:
    def handler(_: httpx2.Request) -> httpx2.Response:
        raise error

    return handler


def a_good_model(request: PlanRequest, sent: list[httpx2.Request]) -> Handler:
    """Says what `scripted` would, as a model would: about the redacted order."""

    def handler(http: httpx2.Request) -> httpx2.Response:
        sent.append(http)
        text: bytes = TypeAdapter(Answer).dump_json(scripted_answer(request))
        return httpx2.Response(200, json=message(Redaction(request.order).hide(text.decode())))

    return handler


@pytest.mark.parametrize("sample", [*SAMPLES, "identified"])
async def test_a_good_answer_becomes_a_plan_within_every_gate(sample: str) -> None:
    request = request_for(IDENTIFIED if sample == "identified" else SAMPLES[sample]())
    answer = await model(a_good_model(request, [])).write(request)
    plan = assemble(answer.answer(), request, PRODUCED_BY)
    assert complaints(plan, request) == []
    assert "{{" not in plan_text(plan, request.order) + plan.handout
    assert answer.model == "claude-sonnet-5-20260601"
    assert (answer.input_tokens, answer.cached_input_tokens, answer.output_tokens) == (120, 300, 50)


async def test_nothing_that_leaves_says_who_it_is_about() -> None:
    sent: list[httpx2.Request] = []
    request = request_for(IDENTIFIED)
    await model(a_good_model(request, sent)).write(request, ["P1: Ana Bell-Okonkwo is named wrongly"])
    (http,) = sent
    left = (str(http.url) + str(http.headers) + http.content.decode()).casefold()
    for known in ("ana ", "bell", "okonkwo", "jane", "leventhal", "12345", "1979", "06/08", "june 8", "1234567893"):
        assert not re.search(rf"\b{re.escape(known)}", left)
    for needed in ("46-year-old", "creatinine 0.78", "g70.00", '\\"age\\": 46', "2026-02-05"):
        assert needed in left


async def test_the_request_is_bounded_structured_and_cacheable() -> None:
    sent: list[httpx2.Request] = []
    request = request_for(SAMPLES["ivig"]())
    await model(a_good_model(request, sent)).write(request)
    body = json.loads(sent[0].content)
    assert body["model"] == "claude-sonnet-5"
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert [block["cache_control"]["type"] for block in body["system"]] == ["ephemeral", "ephemeral"]
    assert "ivig.boxed.renal" in body["system"][1]["text"]
    assert "Ana" not in body["system"][1]["text"]
    assert "temperature" not in body


async def test_records_are_fenced_by_a_word_that_is_new_each_time() -> None:
    sent: list[httpx2.Request] = []
    request = request_for(SAMPLES["ivig"]())
    claude = model(a_good_model(request, sent))
    await claude.write(request)
    await claude.write(request)
    users = [json.loads(http.content)["messages"][0]["content"] for http in sent]
    fences = [user.split("<records ")[1].split(">")[0] for user in users]
    assert fences[0] != fences[1]
    assert all(user.rstrip().endswith(f"</records {fence}>") for user, fence in zip(users, fences, strict=True))


async def test_complaints_are_passed_on() -> None:
    sent: list[httpx2.Request] = []
    request = request_for(SAMPLES["ivig"]())
    await model(a_good_model(request, sent)).write(request, ["G1: the target has no figure"])
    assert "G1: the target has no figure" in json.loads(sent[0].content)["messages"][0]["content"]


@pytest.mark.parametrize(
    ("handler", "reason", "retry_after"),
    [
        (answers({"type": "error"}, 429, retry_after="7"), "RATE_LIMITED", 7.0),
        (answers({"type": "error"}, 429), "RATE_LIMITED", None),
        (answers({"type": "error"}, 429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), "RATE_LIMITED", None),
        (answers({"type": "error"}, 529, retry_after="30"), "OVERLOADED", 30.0),
        (answers({"type": "error"}, 500), "UNAVAILABLE", None),
        (answers({"type": "error"}, 503), "UNAVAILABLE", None),
        (answers({"type": "error"}, 409), "BUSY", None),
        (answers({"type": "error"}, 401), "UNAUTHORIZED", 60.0),
        (answers({"type": "error"}, 404), "UNKNOWN_MODEL", 60.0),
        (raises(httpx2.ConnectError("refused")), "UNREACHABLE", None),
        (raises(httpx2.ConnectTimeout("slow")), "UNREACHABLE", None),
    ],
)
async def test_what_nobody_bills_is_unavailable(handler: Handler, reason: str, retry_after: float | None) -> None:
    with pytest.raises(ModelUnavailable) as away:
        await model(handler).write(request_for())
    assert (away.value.reason, away.value.retry_after) == (reason, retry_after)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answers({"type": "error"}, 400), "REQUEST_REFUSED"),
        (answers({"type": "error"}, 413), "REQUEST_REFUSED"),
        (answers(message(stop_reason="refusal")), "REFUSED"),
        (answers(message('{"problem_list": [', stop_reason="max_tokens")), "TOO_LONG"),
        (answers(message(stop_reason="model_context_window_exceeded")), "TOO_LONG"),
        (answers(message(stop_reason=None)), "CUT"),
        (answers(message(stop_reason="tool_use")), "MALFORMED"),
        (answers(message("")), "MALFORMED"),
        (answers({"id": "msg_1"}), "MALFORMED"),
        (lambda _: httpx2.Response(200, html="<html>Welcome to the hotel network</html>"), "MALFORMED"),
        (
            lambda _: httpx2.Response(200, content=b'{"id": "m', headers={"content-type": "application/json"}),
            "MALFORMED",
        ),
        (raises(httpx2.RemoteProtocolError("peer closed the connection")), "CUT"),
        (raises(httpx2.ReadError("reset")), "CUT"),
        (raises(httpx2.ReadTimeout("stalled")), "TIMEOUT"),
    ],
)
async def test_what_may_have_been_billed_has_failed(handler: Handler, reason: str) -> None:
    with pytest.raises(ModelFailed) as failed:
        await model(handler).write(request_for())
    assert failed.value.reason == reason


async def test_a_model_that_says_nothing_is_given_up_in_time() -> None:
    async def silent(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(30)
        return httpx2.Response(200, json=message())

    with pytest.raises(ModelFailed) as failed:
        await model(silent, timeout_seconds=0.05).write(request_for())  # type: ignore[arg-type]
    assert failed.value.reason == "TIMEOUT"


async def test_one_write_is_one_call() -> None:
    calls: list[int] = []

    def overloaded(_: httpx2.Request) -> httpx2.Response:
        calls.append(1)
        return httpx2.Response(529, json={"type": "error"})

    with pytest.raises(ModelUnavailable):
        await model(overloaded).write(request_for())
    assert len(calls) == 1


async def test_a_pause_that_the_provider_asked_for_holds_for_every_order() -> None:
    calls: list[int] = []
    now = [100.0]

    def limited(_: httpx2.Request) -> httpx2.Response:
        calls.append(1)
        return httpx2.Response(429, json={"type": "error"}, headers={"retry-after": "20"})

    claude = model(limited, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(ModelUnavailable) as away:
            await claude.write(request_for())
    assert (len(calls), away.value.reason, away.value.retry_after) == (1, "PAUSED", 20.0)
    now[0] += 21
    with pytest.raises(ModelUnavailable):
        await claude.write(request_for())
    assert len(calls) == 2


async def test_errors_say_nothing_of_patient_prompt_or_answer() -> None:
    handlers = [
        answers({"type": "error", "error": {"message": "Ana Bell-Okonkwo"}}, 400),
        answers(message("Ana Bell-Okonkwo", stop_reason="refusal")),
        answers({"type": "error", "error": {"message": "Ana Bell-Okonkwo"}}, 529),
    ]
    for handler in handlers:
        with pytest.raises((ModelFailed, ModelUnavailable)) as error:
            await model(handler).write(request_for(IDENTIFIED))
        assert "Okonkwo" not in str(error.value)
        assert error.value.__cause__ is None
