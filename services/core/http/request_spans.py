"""A request's span: one a request, none for what is received and sent within it.

Names are those of OpenTelemetry's semantic conventions for HTTP servers.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from opentelemetry.trace import Span, SpanKind, StatusCode, use_span
from starlette.types import Scope

from services.core.http.answers import Headers
from services.core.http.heads import Head
from services.core.telemetry.traces import Traces, remote_parent, traceparent_of

_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)
_OTHER: Final = "_OTHER"
_ERRORS_FROM: Final = 500
_PORT: Final = re.compile("[0-9]{1,5}")


class Line(NamedTuple):
    """What a request's first line says, and by which scheme it came."""

    method: str
    path: str
    scheme: str


_RECORD_POST: Final = Line("POST", "/", "http")


@contextmanager
def request_span(
    traces: Traces, scope: Scope, head: Head, *, route: str | None = None
) -> Iterator[Span]:
    """Trace a request from here to the block's end; the head then tells of this span.

    Args:
        traces: have decided to.
        scope: the request, as ASGI gives it.
        head: its headers.
        route: the path's template, if it is known so early.

    """
    span = _begin(
        traces,
        head,
        scope["headers"],
        Line(scope["method"], scope["path"], scope["scheme"]),
        route=route,
    )
    with use_span(span, end_on_exit=True):
        yield span


def record_post_span(traces: Traces, head: Head, headers: Headers) -> Span:
    """Begin the span of a record's POST; whoever answers it ends it. The head then tells of it."""
    return _begin(traces, head, headers, _RECORD_POST, route="/")


def _begin(traces: Traces, head: Head, headers: Headers, line: Line, *, route: str | None) -> Span:
    method = line.method if line.method in _METHODS else _OTHER
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "url.path": line.path,
        "url.scheme": line.scheme,
        "meshsplit.request.id": head.request_id.decode(),
    }
    if method is _OTHER:
        attributes["http.request.method_original"] = line.method
    if route is not None:
        attributes["http.route"] = route
    if head.host:
        attributes |= _server(head.host.decode("latin-1"))
    state = [value.decode("latin-1") for name, value in headers if name == b"tracestate"]
    span = traces.tracer.start_span(
        _name(method, route),
        context=remote_parent(head.parent, state),
        kind=SpanKind.SERVER,
        attributes=attributes,
    )
    head.traceparent = traceparent_of(span)
    head.trace_id = head.traceparent[3:35].encode()
    return span


def routed(span: Span, method: str, route: str) -> None:
    """Name a span by its route, once that is known."""
    span.update_name(_name(method if method in _METHODS else _OTHER, route))
    span.set_attribute("http.route", route)


def answered(span: Span | None, status: int, *, reason: str = "") -> None:
    """Note a traced request's status, and why nothing was stored, if nothing was.

    Only the server's own mistakes and refusals are errors.
    """
    if span is None:
        return
    if reason:
        span.set_attribute("meshsplit.reason", reason)
    span.set_attribute("http.response.status_code", status)
    if status >= _ERRORS_FROM:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def abandoned(span: Span | None) -> None:
    """Note that the client left before it had sent all."""
    if span is not None:
        span.set_attribute("error.type", "client_gone")
        span.set_status(StatusCode.ERROR, "the client went away")


def _name(method: str, route: str | None) -> str:
    name = "HTTP" if method is _OTHER else method
    return f"{name} {route}" if route else name


def _server(authority: str) -> dict[str, str | int]:
    host, colon, port = authority.rpartition(":")
    if colon and _PORT.fullmatch(port):
        return {"server.address": host, "server.port": int(port)}
    return {"server.address": authority}
