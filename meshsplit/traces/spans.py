"""Spans as OTLP's protobuf has them, read into plain values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

Value = str | int | float | bool
SERVICE_NAME = "service.name"
SERVER, CLIENT = otlp.Span.SPAN_KIND_SERVER, otlp.Span.SPAN_KIND_CLIENT


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that a span has to do with, though it is no child of it."""

    trace: bytes
    span: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """One span; times are in nanoseconds since 1970, ids are raw bytes."""

    trace: bytes
    id: bytes
    parent: bytes
    """Empty: it has none."""
    service: str
    name: str
    kind: int
    start: int
    end: int
    attributes: Mapping[str, Value]
    links: tuple[Link, ...]
    events: tuple[str, ...]
    failed: bool
    message: str
    """What its status says."""

    @property
    def duration(self) -> int:
        """How long it took, in nanoseconds."""
        return max(self.end - self.start, 0)


def raw_spans(export: bytes) -> Iterator[tuple[str, otlp.Span]]:
    """Yield an export's spans as they are, each with its service; none if it is no export."""
    try:
        request = ExportTraceServiceRequest.FromString(export)
    except DecodeError:
        return
    for resource in request.resource_spans:
        service = str(_attributes(resource.resource.attributes).get(SERVICE_NAME, "unknown"))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield service, span


def read(service: str, span: otlp.Span) -> Span:
    """Return a span's plain values."""
    return Span(
        trace=span.trace_id,
        id=span.span_id,
        parent=span.parent_span_id,
        service=service,
        name=span.name,
        kind=span.kind,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        links=tuple(Link(link.trace_id, link.span_id) for link in span.links),
        events=tuple(event.name for event in span.events),
        failed=span.status.code == otlp.Status.STATUS_CODE_ERROR,
        message=span.status.message,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    found: Any = "" if kind is None else getattr(value, kind)
    return found if isinstance(found, (str, int, float, bool)) else str(found).strip()
