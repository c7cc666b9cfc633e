"""Spans for a test, made as a service's exporter sends them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from meshsplit.traces.store import SpanFiles

Value = str | int | float
MS = 1_000_000
BEGAN = 1_795_571_681_000 * MS


def ident(number: int, size: int = 8) -> bytes:
    """An id that isn't zero, of 8 bytes for a span or 16 for a trace."""
    return number.to_bytes(size, "big")


def span(
    number: int,
    name: str,
    *,
    trace: int = 1,
    parent: int = 0,
    kind: int = otlp.Span.SPAN_KIND_INTERNAL,
    at: tuple[float, float] = (0, 1),
    links: Sequence[tuple[int, int]] = (),
    said: Mapping[str, Value] | None = None,
    failed: str | None = None,
) -> otlp.Span:
    """One span; ``at`` is when it began and ended, in milliseconds, ``links`` trace and span."""
    status = otlp.Status()
    if failed is not None:
        status = otlp.Status(code=otlp.Status.STATUS_CODE_ERROR, message=failed)
    return otlp.Span(
        trace_id=ident(trace, 16),
        span_id=ident(number),
        parent_span_id=ident(parent) if parent else b"",
        name=name,
        kind=kind,  # type: ignore[arg-type]  # its stubs want their own name for an int
        start_time_unix_nano=BEGAN + int(at[0] * MS),
        end_time_unix_nano=BEGAN + int(at[1] * MS),
        attributes=_pairs(said or {}),
        links=[otlp.Span.Link(trace_id=ident(t, 16), span_id=ident(s)) for t, s in links],
        status=status,
    )


def export(service: str, *spans: otlp.Span) -> bytes:
    """One export of a service."""
    scope = otlp.ScopeSpans(spans=spans)
    resource = Resource(attributes=_pairs({"service.name": service}))
    resources = [otlp.ResourceSpans(resource=resource, scope_spans=[scope])]
    return ExportTraceServiceRequest(resource_spans=resources).SerializeToString()


def keep(folder: Path, *found: bytes) -> Path:
    """Keep exports as the store does."""
    files = SpanFiles(folder)
    for each in found:
        files.append(each)
    files.close()
    return folder


def _pairs(said: Mapping[str, Value]) -> list[KeyValue]:
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    return [
        KeyValue(key=key, value=AnyValue(**{kinds[type(value)]: value}))  # type: ignore[arg-type]  # one of a kind
        for key, value in said.items()
    ]
