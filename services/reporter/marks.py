"""What the reporter puts on every answer beside what core does."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.core.http.heads import read_head

_HANDSHAKE_ANSWERS: Final = frozenset({"websocket.accept", "websocket.http.response.start"})


class Marks:
    """Outermost middleware: no answer may be cached, and a WebSocket's handshake has an id too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and mark its answer."""
        marks: list[tuple[bytes, bytes]] = []
        if scope["type"] == "websocket":
            head = read_head(scope["headers"])
            scope.setdefault("state", {})["request_id"] = head.request_id.decode("ascii")
            marks.append((b"x-request-id", head.request_id))
            if head.trace_id:
                marks.append((b"x-trace-id", head.trace_id))

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                if all(name.lower() != b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
            elif message["type"] in _HANDSHAKE_ANSWERS:
                message = {**message, "headers": [*message.get("headers", ()), *marks]}
            await send(message)

        await self._app(scope, receive, send_marked)
