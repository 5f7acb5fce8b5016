"""Logs and traces say where and what kind, never what an order says."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from chassis.background import keep_running
from chassis.telemetry import Tracing, configure_logs, current_trace_id, current_traceparent, is_sampled, log
from schemas.order import Patient

pytestmark = pytest.mark.anyio

_SECRET = "Ana Bell 012345"
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SAMPLED = f"00-{_TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    configure_logs("debug")
    # The logger of the product is made once and keeps what it was made with.
    structlog.configure(cache_logger_on_first_use=False, logger_factory=structlog.PrintLoggerFactory())
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    structlog.reset_defaults()


def _a_failure() -> Exception:
    try:
        raise ValueError(_SECRET) from KeyError(_SECRET)
    except ValueError as error:
        return error


def test_an_exception_is_logged_with_type_and_place_and_without_its_message(lines: Any) -> None:
    log.error("event.failed", event_id="1", exc=_a_failure())
    (line,) = lines()
    assert line["event"] == "event.failed"
    assert line["error"] == "ValueError"
    assert line["where"][-1].startswith("test_telemetry.py:")
    assert _SECRET not in json.dumps(line)


def test_a_pydantic_error_carries_no_input(lines: Any) -> None:
    with pytest.raises(ValidationError) as failed:
        Patient.model_validate({"first_name": _SECRET, "mrn": [_SECRET], "date_of_birth": _SECRET})
    log.error("event.failed", exc=failed.value)
    assert _SECRET not in json.dumps(lines())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="A full disk for log lines left out: no /dev/full here")
def test_a_line_that_cannot_be_written_stops_nobodys_work() -> None:
    program = (
        "from chassis.telemetry import configure_logs, log; configure_logs(); log.info('x'); log.info('y'); exit(7)"
    )
    with Path("/dev/full").open("wb") as full:
        code = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert code.returncode in (7, 120), code.stderr  # 120: Python's own last words could not be written either
    assert b"Traceback" not in code.stderr


_LIBRARIES = f"""
import asyncio, logging
from chassis.telemetry import configure_logs
configure_logs()
library = logging.getLogger("some.library")
library.warning("cannot read %s", "{_SECRET}")
library.error("cannot read {_SECRET}")
try:
    raise ValueError("{_SECRET}")
except ValueError:
    library.exception("failed")

async def abandons_a_failure():
    asyncio.get_running_loop().create_future().set_exception(ValueError("{_SECRET}"))

asyncio.run(abandons_a_failure())
"""


def test_what_libraries_and_asyncio_log_is_json_without_the_values_put_into_it() -> None:
    run = subprocess.run([sys.executable, "-c", _LIBRARIES], capture_output=True, text=True, check=True, timeout=60)
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(line["level"], line["logger"]) for line in found] == [
        ("warning", "some.library"),
        ("error", "some.library"),
        ("error", "some.library"),
        ("error", "asyncio"),
    ]
    assert found[0]["event"] == "cannot read %s"
    assert found[2]["error"] == found[3]["error"] == "ValueError"
    assert _SECRET not in run.stdout + run.stderr


async def test_a_loop_that_fails_is_logged_without_values_and_runs_again(lines: Any) -> None:
    runs = asyncio.Queue[int]()

    async def loop() -> None:
        runs.put_nowait(1)
        raise ValueError(_SECRET)

    async with asyncio.timeout(30):
        running = asyncio.create_task(keep_running("of this test", loop))
        await runs.get()
        await runs.get()
    running.cancel()
    # A system that other tests share may run in this process too, and log.
    found = [line for line in lines() if line.get("loop") == "of this test"]
    assert (found[0]["event"], found[0]["error"]) == ("background.restarts", "ValueError")
    assert _SECRET not in json.dumps(found)


def test_every_line_within_a_span_has_the_trace_id(lines: Any) -> None:
    with Tracing("intake", 1.0, None).span("work", SpanKind.SERVER, _SAMPLED):
        log.info("order.received")
    assert lines()[0]["trace_id"] == _TRACE


@pytest.mark.parametrize("sample", [0.0, 1.0])
@pytest.mark.parametrize("flag", ["00", "01"])
def test_a_trace_goes_on_as_it_came_whatever_our_own_share_is(sample: float, flag: str) -> None:
    with Tracing("intake", sample, None).span("work", SpanKind.SERVER, f"00-{_TRACE}-b7ad6b7169203331-{flag}"):
        assert current_trace_id() == _TRACE
        onward = current_traceparent()
    assert onward is not None
    assert onward.startswith(f"00-{_TRACE}-")
    assert not onward.startswith(f"00-{_TRACE}-b7ad6b7169203331")
    assert is_sampled(onward) == (flag == "01")


@pytest.mark.parametrize("sent", [None, "", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff" + _SAMPLED[2:]])
def test_what_is_no_trace_begins_a_new_one(sent: str | None) -> None:
    with Tracing("intake", 1.0, None).span("work", SpanKind.SERVER, sent):
        assert current_trace_id() not in (_TRACE, "0" * 32)


def test_a_failed_span_is_marked_and_does_not_swallow_the_failure() -> None:
    with (
        pytest.raises(ValueError, match="Ana"),
        Tracing("intake", 1.0, None).span("work", SpanKind.SERVER, None) as span,
    ):
        raise ValueError(_SECRET)
    assert _SECRET not in str(span.__dict__)


def test_nothing_is_sampled_where_there_is_no_trace() -> None:
    assert not is_sampled(None)
    assert is_sampled(_SAMPLED)


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="CAREPLAN_LOG_LEVEL"):
        configure_logs("loud")


def test_a_service_that_traces_may_start_child_processes() -> None:
    """The SDK deadlocks in a forked child once a thread pool was used: seen as a start that never ends."""
    program = (
        "import subprocess\n"
        "from chassis.telemetry import Tracing\n"
        "tracing = Tracing('intake', 1.0, None)\n"
        "import concurrent.futures\n"
        "concurrent.futures.ThreadPoolExecutor().submit(int).result()\n"
        "subprocess.run(['true'], preexec_fn=lambda: None, check=True)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
