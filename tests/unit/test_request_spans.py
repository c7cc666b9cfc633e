"""A request's span, whatever its client wrote into the headers."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.core.http.heads import read_head
from services.core.http.request_spans import request_span
from services.core.telemetry.traces import Traces


class Kept:
    """Spans that end here."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.spans))

    def stop(self, limit_s: float) -> None:
        """Stop: nothing waits."""


@pytest.mark.parametrize(
    ("authority", "told"),
    [
        (b"grades.test", ("grades.test", None)),
        (b"grades.test:80", ("grades.test", 80)),
        (b"[::1]:8080", ("[::1]", 8080)),
        (b"[::1]", ("[::1]", None)),
        (b"a:\xb2", ("a:\xb2", None)),
        (b"a:" + b"9" * 20, ("a:" + "9" * 20, None)),
        (b"a:" + b"9" * 5000, ("a:" + "9" * 5000, None)),
    ],
    ids=["name", "port", "v6 and port", "v6", "no ASCII digit", "past 64 bits", "thousands"],
)
def test_an_authority_that_makes_no_sense_fails_no_request(
    authority: bytes, told: tuple[str, int | None]
) -> None:
    way, headers = Kept(), [(b"host", authority)]
    scope = {"method": "POST", "path": "/", "scheme": "http", "headers": headers}
    with request_span(Traces(way, ratio=1), scope, read_head(headers), route="/"):
        pass
    (span,) = way.spans.get_finished_spans()
    said = span.attributes or {}
    assert (said["server.address"], said.get("server.port")) == told
