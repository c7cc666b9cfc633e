"""The FastAPI application around a service's routes: problems for errors, request ids, drain."""

import logging
from time import perf_counter
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from services.core.domain import problems
from services.core.domain.problems import FieldError, ProblemType
from services.core.http import answers
from services.core.http.direct import DirectRoute
from services.core.http.heads import Head, read_head
from services.core.http.health import PATHS as HEALTH
from services.core.http.request_spans import answered, request_span, routed
from services.core.lifecycle import Lifecycle
from services.core.telemetry.calls import OTHER, RequestTally
from services.core.telemetry.metrics import project_version
from services.core.telemetry.traces import OFF, Traces, current_span, exemplar

_log = logging.getLogger(__name__)


class ServiceApplication(FastAPI):
    """A FastAPI application whose hottest path goes past the routing.

    Every answer carries ``x-request-id``, and ``x-trace-id`` where there is a trace; every error is
    a problem document, and during a drain every answer closes its connection.

    Args:
        title: the service's name.
        lifecycle: where the service is between start and end.
        tally: counts the requests that go through the routing, WebSockets' handshakes among them.
        endpoint: answers ``/`` itself, ids, drain and count included; None: the routes answer it.
        traces: decide which requests have a span.
        schemas: JSON schemas of what goes past FastAPI, for the OpenAPI document.
        options: FastAPI's own.

    """

    def __init__(
        self,
        *,
        title: str,
        lifecycle: Lifecycle,
        tally: RequestTally,
        endpoint: DirectRoute | None = None,
        traces: Traces = OFF,
        schemas: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(title=title, version=project_version(), redirect_slashes=False, **options)
        self._lifecycle = lifecycle
        self._tally = tally
        self._endpoint = endpoint
        self._traces = traces
        self._schemas = schemas or {}
        self.add_exception_handler(HTTPException, _on_http_exception)
        self.add_exception_handler(RequestValidationError, _on_invalid_request)
        self.add_exception_handler(Exception, _on_bug)

    @property
    def endpoint(self) -> DirectRoute | None:
        """What answers ``/`` itself, if anything does."""
        return self._endpoint

    def openapi(self) -> dict[str, Any]:
        """Describe the application, with the schemas and the media type FastAPI doesn't see."""
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {}).update(self._schemas)
        for operations in document["paths"].values():
            for operation in operations.values():
                _tell_problems(operation["responses"])
        return document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, self._counting(scope, send))
            return
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if scope["path"] == "/" and self._endpoint is not None:
            await self._endpoint(scope, receive, send)
            return
        head = read_head(scope["headers"])
        scope["state"]["request_id"] = head.request_id.decode()
        if scope["path"] in HEALTH or not self._traces.samples(head.parent):
            await self._route(scope, receive, send, head)
            return
        with request_span(self._traces, scope, head) as span:
            await self._route(scope, receive, send, head)
            if (route := _template(scope)) != OTHER:
                routed(span, scope["method"], route)

    async def _route(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        send_counted = self._counting(scope, send)

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                headers.append((b"x-request-id", head.request_id))
                if head.trace_id:
                    headers.append((b"x-trace-id", head.trace_id))
                if self._lifecycle.draining:
                    headers.append((b"connection", b"close"))
                answered(current_span(), message["status"])
            await send_counted(message)

        await super().__call__(scope, receive, send_marked)

    def _counting(self, scope: Scope, send: Send) -> Send:
        """Wrap a send so that its answer is counted, under the route that was found by then."""
        began = perf_counter()
        counted = False

        async def send_counted(message: Message) -> None:
            nonlocal counted
            if not counted:
                counted = True
                calls = self._tally.of(scope.get("method", "GET"), _template(scope))
                code = message.get("status") or _HANDSHAKES[message["type"]]
                calls.count(code, perf_counter() - began, exemplar(current_span()))
            await send(message)

        return send_counted


def _template(scope: Scope) -> str:
    """Say which route was found, prefix included; "other" where none was."""
    # FastAPI keeps a router's prefix apart from its routes; a WebSocket's route has it.
    inner = scope.get("fastapi", {}).get("effective_route_context")
    return str(getattr(inner, "path", "") or getattr(scope.get("route"), "path", OTHER))


_HANDSHAKES: Final = {"websocket.accept": 101, "websocket.close": 403}


def _tell_problems(responses: dict[str, Any]) -> None:
    """Give errors their media type: FastAPI takes every model for plain JSON."""
    for status, response in responses.items():
        content = response.get("content", {})
        if int(status) >= 400 and "application/json" in content:  # noqa: PLR2004 - HTTP's errors
            content[problems.MEDIA_TYPE] = content.pop("application/json")


_KINDS = {kind.status: kind for kind in problems.ALL if kind.status not in {400, 503}} | {
    400: problems.BAD_REQUEST,
    422: problems.INVALID_REQUEST,
}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    kind = _KINDS.get(error.status_code)
    if kind is None:
        kind = ProblemType("about:blank", error.status_code, str(error.detail))
    return _response(request, kind, str(error.detail), headers=dict(error.headers or {}))


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    errors = [
        FieldError(".".join(str(part) for part in wrong["loc"][1:]), str(wrong["msg"]))
        for wrong in error.errors()
    ]
    detail = "; ".join(f"{wrong.field}: {wrong.detail}" for wrong in errors)
    return _response(request, problems.INVALID_REQUEST, detail, errors=errors)


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error(
        "a request failed",
        exc_info=error,
        extra={"request_id": request.state.request_id, "path": request.url.path},
    )
    return _response(request, problems.INTERNAL, "the log says more")


def _response(
    request: Request,
    kind: ProblemType,
    detail: str,
    *,
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    answer = answers.problem(kind, detail, request_id=request.state.request_id, errors=errors)
    return Response(answer.body, answer.status, headers=headers, media_type=problems.MEDIA_TYPE)
