"""Routing by the path as it was sent, so that an escaped slash stays inside its segment.

A server hands an application the path unescaped, and there `courses/a%2Fresults` can no longer
be told from the results of the course `a`. Here the router sees the escaped path instead, and the
one route whose segment holds a name unescapes it itself.
"""

from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send


class EscapedPaths:
    """Middleware: below a prefix, `path` is what the client sent, still percent-encoded."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the escaped path where the prefix matches."""
        raw = scope.get("raw_path")
        if scope["type"] in {"http", "websocket"} and raw and raw.startswith(self._prefix):
            scope = {**scope, "path": raw.partition(b"?")[0].decode("latin-1")}
        await self._app(scope, receive, send)


def unescape_segment(segment: str) -> str:
    """Give the text that one percent-encoded path segment stands for.

    A `%` that starts no escape stands for itself, and a `+` is a plus (RFC 3986, 2.1 and 3.3).

    Raises:
        UnicodeDecodeError: the escapes are not UTF-8.

    """
    return unquote_to_bytes(segment.encode("latin-1")).decode("utf-8")
