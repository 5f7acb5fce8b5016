"""The real SDKs against a server on loopback: what each vendor receives, and what each thing that comes back turns into."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from schemas.readable import plan_text
from services.generator.adapters.model import ModelFailed, ModelUnavailable
from services.generator.adapters.vendor import seconds_of
from services.generator.domain.assemble import assemble
from services.generator.domain.prices import Usage
from tests.support.clinical_orders import SAMPLES, order
from tests.support.model_servers import (
    VENDORS,
    Behaviour,
    ModelServer,
    breaks_off,
    model_server,
    page,
    refuses,
    says,
    writes,
)
from tests.support.plans import PRODUCED_BY, complaints, request_for

pytestmark = pytest.mark.anyio

IDENTIFIED = order(
    patient_first_name="Ana",
    patient_last_name="Bell-Okonkwo",
    patient_mrn="012345",
    patient_date_of_birth="1979-06-08",
    provider={"name": "Dr. Jane Leventhal", "npi": "1234567893"},
    patient_records="Ana Bell-Okonkwo (MRN 12345, DOB 06/08/1979), a 46-year-old woman, 70 kg, seen by Jane Leventhal MD. "
    "BELL-OKONKWO, ANA born June 8, 1979. Ms. Okonkwo has no heart failure. Creatinine 0.78 mg/dL. IVIG planned for Ana.",
)


@pytest.fixture(params=VENDORS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[ModelServer]:
    async with model_server(request.param) as server:
        yield server


@pytest.mark.parametrize("sample", [*SAMPLES, "identified"])
async def test_a_good_answer_becomes_a_plan_within_every_gate(server: ModelServer, sample: str) -> None:
    request = request_for(IDENTIFIED if sample == "identified" else SAMPLES[sample]())
    server.behaviours = [writes(server.vendor, request)]
    answer = await server.model().write(request)
    plan = assemble(answer.answer(request.order), request, PRODUCED_BY)
    assert complaints(plan, request) == []
    assert "{{" not in plan_text(plan, request.order) + plan.handout
    assert (answer.model, answer.provider) == ("model-1-20260601", server.vendor)
    assert answer.usage == Usage(input_tokens=100, cache_write_tokens=20, cached_tokens=300, output_tokens=50)


async def test_nothing_that_leaves_says_who_it_is_about(server: ModelServer) -> None:
    request = request_for(IDENTIFIED)
    server.behaviours = [writes(server.vendor, request)]
    await server.model().write(request, ["P1: Ana Bell-Okonkwo is named wrongly"])
    left = server.everything()
    for known in ("ana ", "bell", "okonkwo", "jane", "leventhal", "12345", "1979", "06/08", "june 8", "1234567893"):
        assert not re.search(rf"\b{re.escape(known)}", left)
    for needed in ("46-year-old", "creatinine 0.78", "g70.00", "2026-02-05"):
        assert needed in left


async def test_what_is_kept_of_an_answer_names_nobody_until_it_is_read(server: ModelServer) -> None:
    request = request_for(IDENTIFIED)
    server.behaviours = [says(server.vendor, '{"gaps": ["Ask {{PATIENT-1}}"]}')]
    answer = await server.model().write(request)
    assert "Okonkwo" not in answer.text


async def test_the_request_is_bounded_and_structured(server: ModelServer) -> None:
    request = request_for(SAMPLES["ivig"]())
    server.behaviours = [writes(server.vendor, request)]
    await server.model().write(request)
    (body,) = server.bodies
    schema = (body.get("output_config") or {}).get("format") or body["response_format"]
    assert schema["type"] == "json_schema"
    assert (schema.get("schema") or schema["json_schema"]["schema"])["additionalProperties"] is False
    assert 16_000 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert body["model"] == "model-1"
    assert "temperature" not in body


async def test_what_many_orders_share_comes_first_and_holds_nothing_of_one_order(server: ModelServer) -> None:
    begun = []
    for sample in (SAMPLES["ivig"](), SAMPLES["ivig"]().model_copy(update={"patient_records": "Other records."})):
        server.behaviours = [writes(server.vendor, request_for(sample))]
        await server.model().write(request_for(sample))
        body = server.bodies[-1]
        begun.append(body.get("system") or body["messages"][0])
    assert begun[0] == begun[1]
    assert "ivig.boxed.renal" in json.dumps(begun[0])
    assert "Ana" not in json.dumps(begun[0])


async def test_claude_is_told_what_it_may_remember() -> None:
    request = request_for(SAMPLES["ivig"]())
    async with model_server("anthropic", writes("anthropic", request)) as server:
        await server.model().write(request)
    assert [block["cache_control"]["type"] for block in server.bodies[0]["system"]] == ["ephemeral", "ephemeral"]


async def test_records_are_fenced_by_a_word_that_is_new_each_time(server: ModelServer) -> None:
    request = request_for(SAMPLES["ivig"]())
    server.behaviours = [writes(server.vendor, request)]
    model = server.model()
    await model.write(request)
    await model.write(request)
    users = [body["messages"][-1]["content"] for body in server.bodies]
    fences = [user.split("<records ")[1].split(">")[0] for user in users]
    assert fences[0] != fences[1]
    assert all(user.rstrip().endswith(f"</records {fence}>") for user, fence in zip(users, fences, strict=True))


async def test_complaints_are_passed_on(server: ModelServer) -> None:
    request = request_for(SAMPLES["ivig"]())
    server.behaviours = [writes(server.vendor, request)]
    await server.model().write(request, ["G1: the target has no figure"])
    assert "G1: the target has no figure" in server.bodies[0]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("behaviour", "reason", "retry_after"),
    [
        (refuses(429, retry_after="7"), "RATE_LIMITED", 7.0),
        (refuses(429), "RATE_LIMITED", None),
        (refuses(429, retry_after="soon"), "RATE_LIMITED", None),
        (refuses(529), "OVERLOADED", None),
        (refuses(500), "UNAVAILABLE", None),
        (refuses(503, retry_after="3"), "UNAVAILABLE", 3.0),
        (refuses(401), "UNAUTHORIZED", 60.0),
        (refuses(404), "UNKNOWN_MODEL", 60.0),
    ],
)
async def test_what_was_surely_not_billed_is_unavailable(
    server: ModelServer, behaviour: Behaviour, reason: str, retry_after: float | None
) -> None:
    server.behaviours = [behaviour]
    with pytest.raises(ModelUnavailable) as away:
        await server.model().write(request_for())
    assert (away.value.reason, away.value.retry_after) == (reason, retry_after)
    assert len(server.received) == 1, "one write is one call"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_server_that_is_not_there_is_unavailable(vendor: str) -> None:
    async with model_server(vendor) as server:
        pass
    with pytest.raises(ModelUnavailable) as away:
        await server.model().write(request_for())
    assert away.value.reason == "UNREACHABLE"


_CUT_SHORT = {"anthropic": "max_tokens", "openai": "length", "local": "length"}
_DECLINED = {"anthropic": "refusal", "openai": "content_filter", "local": "content_filter"}


@pytest.mark.parametrize(("words", "reason"), [(_CUT_SHORT, "TOO_LONG"), (_DECLINED, "REFUSED")])
async def test_an_unfinished_answer_has_failed_and_says_what_it_took(
    server: ModelServer, words: dict[str, str], reason: str
) -> None:
    server.behaviours = [says(server.vendor, "{}", ended=words[server.vendor])]
    with pytest.raises(ModelFailed) as failed:
        await server.model().write(request_for())
    assert failed.value.reason == reason
    assert failed.value.usage == Usage(100, 20, 300, 50)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (refuses(400), "REQUEST_REFUSED"),
        (page(b"<html>Welcome to the hotel network</html>", "text/html"), "MALFORMED"),
        (page(b'{"id": "m', "application/json"), "MALFORMED"),
        (breaks_off, "CUT"),
    ],
)
async def test_what_may_have_been_billed_has_failed(server: ModelServer, behaviour: Behaviour, reason: str) -> None:
    server.behaviours = [behaviour]
    with pytest.raises(ModelFailed) as failed:
        await server.model().write(request_for())
    assert failed.value.reason == reason
    assert failed.value.usage is None


async def test_a_model_that_says_nothing_is_given_up_in_time(server: ModelServer) -> None:
    server.slow = asyncio.Event()
    server.behaviours = [refuses(500)]
    with pytest.raises(ModelFailed) as failed:
        await server.model(seconds=1).write(request_for())
    server.slow.set()
    assert failed.value.reason == "TIMEOUT"


async def test_errors_say_nothing_of_patient_prompt_or_answer(server: ModelServer) -> None:
    ended = _DECLINED[server.vendor]
    for behaviour in (refuses(400), says(server.vendor, "Ana Bell-Okonkwo", ended=ended), refuses(529)):
        server.behaviours = [behaviour]
        with pytest.raises((ModelFailed, ModelUnavailable)) as error:
            await server.model().write(request_for(IDENTIFIED))
        assert "Okonkwo" not in str(error.value)
        assert error.value.__cause__ is None


def test_a_time_to_wait_may_be_a_date_and_is_never_in_the_past_or_beyond_a_day() -> None:
    def now() -> datetime:
        return datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)

    assert seconds_of("Sat, 21 Nov 2026 12:00:30 GMT", now) == 30
    assert seconds_of("Sat, 21 Nov 2026 11:00:00 GMT", now) is None
    assert seconds_of("-1") is None
    assert seconds_of("100000") is None
    assert seconds_of("nan") is None
