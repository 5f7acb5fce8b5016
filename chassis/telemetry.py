"""Logs, metrics and traces: ids and codes, never what an order says.

One trace follows an order over every hop: its W3C traceparent travels in the `traceparent` header of HTTP and Kafka.
Spans are recorded for a sampled share of orders (`CAREPLAN_TRACE_SAMPLE`); the trace id is in every log line and error.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
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
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_LibraryFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


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


class Tracing:
    """Spans of one service. Without an OTLP address spans still carry ids, and nothing is sent anywhere."""

    def __init__(self, service: str, sample: float, otlp_endpoint: str | None) -> None:
        self._provider = TracerProvider(
            resource=Resource({"service.name": service}), sampler=ParentBased(TraceIdRatioBased(sample))
        )
        if otlp_endpoint:
            exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("careplan")

    @contextmanager
    def span(
        self, name: str, kind: trace.SpanKind, traceparent: str | None, attributes: dict[str, Any] | None = None
    ) -> Iterator[trace.Span]:
        """A span below `traceparent`, current while the block runs. Exceptions mark it, their text stays out."""
        parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else otel_context.Context()
        with self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def shutdown(self) -> None:
        self._provider.shutdown()


def is_sampled(traceparent: str | None) -> bool:
    return traceparent is not None and traceparent.endswith("1")


def current_traceparent() -> str | None:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def current_trace_id() -> str:
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"
