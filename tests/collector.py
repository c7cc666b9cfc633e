"""A collector of traces that a test may read, make slow, and end: OTLP over gRPC, for real."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as pb_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from audit.servers.program import free_port


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    events: tuple[tuple[str, dict[str, Any]], ...]
    is_error: bool
    state: str
    resource: dict[str, Any] = field(repr=False)

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1e9


class Collector(pb_grpc.TraceServiceServicer):
    """Keeps every span."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.spans: list[Seen] = []
        self.hold = threading.Event()
        """Unless it is set, no call is answered."""
        self.hold.set()
        self._server: grpc.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Collector":
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        pb_grpc.add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]  # generated
        self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()
        return self

    def stop(self) -> None:
        self.hold.set()
        if self._server is not None:
            self._server.stop(grace=0).wait(5)

    def Export(  # noqa: N802 - the contract's name
        self, request: pb.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> pb.ExportTraceServiceResponse:
        """Keep what was sent."""
        self.hold.wait(60)
        if context.is_active():
            self.spans += _read(request)
        return pb.ExportTraceServiceResponse()

    def wait_for(self, enough: Callable[[list[Seen]], bool], limit_s: float = 10.0) -> list[Seen]:
        """Give all spans, once they are enough."""
        until = time.monotonic() + limit_s
        while not enough(found := list(self.spans)):
            told = "\n".join(f"{each.service} {each.name} {each.trace_id}" for each in found)
            assert time.monotonic() < until, f"these spans came:\n{told}"
            time.sleep(0.05)
        return found


def _read(request: pb.ExportTraceServiceRequest) -> Iterator[Seen]:
    for sent in request.resource_spans:
        resource = _attributes(sent.resource.attributes)
        for scope in sent.scope_spans:
            for span in scope.spans:
                yield Seen(
                    service=resource["service.name"],
                    name=span.name,
                    kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    links=tuple((each.trace_id.hex(), each.span_id.hex()) for each in span.links),
                    events=tuple((each.name, _attributes(each.attributes)) for each in span.events),
                    is_error=span.status.code == Status.STATUS_CODE_ERROR,
                    state=span.trace_state,
                    resource=resource,
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of one test."""
    made = Collector().start()
    yield made
    made.stop()
