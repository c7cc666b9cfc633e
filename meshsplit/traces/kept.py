"""Looking things up among the spans that are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from meshsplit.traces.spans import SERVER, Span, raw_spans, read
from meshsplit.traces.store import exports


@dataclass(frozen=True, slots=True)
class Request:
    """A request's first span: what came in from outside of what is traced here."""

    trace: bytes
    span: bytes
    start: int
    duration: int
    """Both in nanoseconds."""


def requests(folder: Path) -> list[Request]:
    """Return every request there are spans of, the oldest first."""
    found: list[tuple[bytes, Request]] = []
    there: set[bytes] = set()
    for export in exports(folder):
        for _, span in raw_spans(export):
            there.add(span.span_id)
            if span.kind == SERVER:
                start, end = span.start_time_unix_nano, span.end_time_unix_nano
                request = Request(span.trace_id, span.span_id, start, max(end - start, 0))
                found.append((span.parent_span_id, request))
    outermost = (request for parent, request in found if parent not in there)
    return sorted(outermost, key=lambda request: request.start)


def spans_of(folder: Path, traces: Iterable[bytes]) -> list[Span]:
    """Return all spans of some traces."""
    wanted = set(traces)
    return [
        read(service, span)
        for export in exports(folder)
        if any(trace in export for trace in wanted)
        for service, span in raw_spans(export)
        if span.trace_id in wanted
    ]


def spans_saying(folder: Path, text: str) -> list[Span]:
    """Return the spans one of whose attributes has this value."""
    needle = text.encode()
    return [
        found
        for export in exports(folder)
        if needle in export
        for service, span in raw_spans(export)
        if text in (found := read(service, span)).attributes.values()
    ]
