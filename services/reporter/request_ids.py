"""What every answer carries and every request leaves behind: its id, no caching, a count."""

from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.core.http.heads import read_head
from services.core.telemetry.metrics import RequestTally

_KEY: Final = "meshsplit.request_id"
_STARTS: Final = frozenset(
    {"http.response.start", "websocket.accept", "websocket.http.response.start"}
)


def request_id_of(scope: Scope) -> str:
    """Give the id that a request came with, or was given here."""
    return str(scope.get(_KEY, ""))


class RequestIds:
    """Outermost middleware, so that the answers of mistakes have these headers too."""

    def __init__(self, app: ASGIApp, tally: RequestTally) -> None:
        self._app = app
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with its id on the answer and `cache-control: no-store`."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = read_head(scope["headers"]).request_id
        scope[_KEY] = request_id.decode("ascii")
        began = perf_counter()

        async def send_marked(message: Message) -> None:
            if message["type"] in _STARTS:
                headers = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id))
                if message["type"] == "http.response.start":
                    headers.append((b"cache-control", b"no-store"))
                    self._tally.count(message["status"], perf_counter() - began)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_marked)
