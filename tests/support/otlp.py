"""A real receiver of traces: OTLP over HTTP with protobuf, as an OpenTelemetry collector has it."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.in_thread import Answered, Asked, serving_in_thread


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]


@dataclass
class Receiver:
    port: int
    raw: list[bytes] = field(default_factory=list)
    """Every body as it came: what is searched for patients."""
    spans: list[Span] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> None:
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                self.spans += [_span(service, span) for span in scope.spans]

    def of_trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id == trace_id]


def _span(service: str, span: Any) -> Span:
    attributes = {a.key: a.value.string_value or str(a.value.int_value) for a in span.attributes}
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Span(service, span.name, span.kind, *ids, attributes)


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    """On 127.0.0.1, in threads of its own."""

    def take(asked: Asked) -> Answered:
        here.take(gzip.decompress(asked.body) if asked.headers.get("content-encoding") == "gzip" else asked.body)
        return Answered(headers={"content-type": "application/x-protobuf"})

    with serving_in_thread(take) as port:
        here = Receiver(port)
        yield here
