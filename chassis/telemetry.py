"""Logs, metrics and traces: ids and codes, never what an order says.

One trace follows an order over every hop: its W3C traceparent travels in the `traceparent` header of HTTP and Kafka.
Spans are recorded for a sampled share of orders (`CAREPLAN_TRACE_SAMPLE`); the trace id is in every log line and error.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import random
from typing import Any, TextIO, cast

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

_IDS = RandomIdGenerator()
_TRACEPARENT = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def _add_trace_id(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    context = trace.get_current_span().get_span_context()
    if context.trace_id:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


def configure_logs(level: str = "info") -> None:
    """JSON lines on standard output. Libraries log warnings and worse only: some print payloads below that."""
    if level not in _LEVELS:
        raise ValueError(f"CAREPLAN_LOG_LEVEL is one of {', '.join(_LEVELS)}")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace_id,
            _exception_without_values,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _WhileThereIsRoom(sys.stdout))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_LibraryFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _WhileThereIsRoom:
    """Where log lines go. One that cannot be written (a full disk, a closed pipe) is lost, and stops nobody's work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _LibraryFormatter(logging.Formatter):
    """What libraries log, as JSON: the message as it stands in their code, without the values put into it."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "event": str(record.msg)[:200],
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        if record.args is None or record.args == ():
            # An f-string has its values inside already: only its place is safe to tell.
            event["event"] = f"{record.filename}:{record.lineno}"
        if record.exc_info:
            event |= _place_of(record.exc_info[1])
        return json.dumps(event)


def _exception_without_values(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    error = event.pop("exc", None)
    if isinstance(error, BaseException):
        event.update(_place_of(error))
    return event


def _place_of(error: BaseException | None) -> dict[str, Any]:
    """Type and place of an exception, never its message: database and parser messages quote what they choke on."""
    if error is None:
        return {}
    place, frames = error.__traceback__, []
    while place is not None:
        code = place.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{place.tb_lineno}:{code.co_name}")
        place = place.tb_next
    return {"error": type(error).__name__, "where": frames[-6:]}


class _Provider(TracerProvider):
    """The SDK's own, but that a forked child is left alone.

    Theirs starts threads in it, before it becomes another program, and waits there for ever on a lock that another
    thread held at the fork: whoever starts a child process would hang.
    """

    def _handle_fork(self) -> None:
        pass


class Tracing:
    """Spans of one service. A share of the orders is sampled and recorded; the others only carry their trace's id.

    Without an OTLP address nothing is sent anywhere.
    """

    def __init__(self, service: str, sample: float, otlp_endpoint: str | None) -> None:
        self._sample = sample
        self._provider = _Provider(resource=Resource({"service.name": service}), sampler=ParentBased(ALWAYS_ON))
        if otlp_endpoint:
            self._provider.add_span_processor(BatchSpanProcessor(_exporter(otlp_endpoint)))
        self._tracer = self._provider.get_tracer("careplan")

    @contextmanager
    def span(
        self, name: str, kind: trace.SpanKind, traceparent: str | None, attributes: dict[str, Any] | None = None
    ) -> Iterator[trace.Span]:
        """A span below `traceparent`, current while the block runs. Exceptions mark it, their text stays out."""
        parent = _parent_in(traceparent)
        sampled = parent.trace_flags.sampled if parent else random() < self._sample  # noqa: S311 (chance, no secret)
        if not sampled:
            # The SDK takes tens of microseconds for a span that nobody keeps: the ids are all that is needed.
            with trace.use_span(trace.NonRecordingSpan(_child_of(parent))) as span:
                yield span
            return
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent), Context()) if parent else Context()
        with self._tracer.start_as_current_span(
            name, context, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def shutdown(self) -> None:
        self._provider.shutdown()


UNTRACED = Tracing("untraced", 0, None)
"""For what is built without a service around it."""


def _exporter(otlp_endpoint: str) -> SpanExporter:
    # Protobuf and an HTTP client, for those who want traces exported.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")


def _parent_in(traceparent: str | None) -> trace.SpanContext | None:
    """None where there is none, or what there is cannot be read: then a new trace begins."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    parent = trace.SpanContext(
        int(found["trace"], 16),
        int(found["span"], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(found["flags"], 16)),
    )
    return parent if parent.is_valid else None


def _child_of(parent: trace.SpanContext | None) -> trace.SpanContext:
    trace_id = parent.trace_id if parent else _IDS.generate_trace_id()
    return trace.SpanContext(trace_id, _IDS.generate_span_id(), is_remote=False, trace_flags=trace.TraceFlags(0))


def is_sampled(traceparent: str | None) -> bool:
    parent = _parent_in(traceparent)
    return parent is not None and parent.trace_flags.sampled


def current_traceparent() -> str | None:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def current_trace_id() -> str:
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"
