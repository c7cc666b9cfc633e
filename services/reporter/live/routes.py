"""The live WebSocket's handshake: who is let in, and what the others are told."""

from fastapi import APIRouter, Request, Response
from starlette.websockets import WebSocket

from services.reporter import problems
from services.reporter.live.hub import Full, Hub
from services.reporter.live.origins import AllowedOrigins
from services.reporter.live.session import serve

_DESCRIPTION = """Open it as a WebSocket. The first message is
`{"type": "snapshot", "total", "selection", "behind"}`, the next ones have `"type": "update"` and
the same fields: at most five a second, when something changed, and every few seconds when nothing
did, so that silence means that the connection is lost. `total` is the number of records that Redis
holds (those of the arm that writes there). `behind` is how old these figures are, in seconds: 0
when they are exact.

Send `{"type": "select", "course", "year", "semester"}` to watch a course in a semester:
`selection`, null before that, then holds those three and `students`, its distinct students in
Redis. What makes no sense is answered with `{"type": "error", "detail"}`. A frame over 64 KiB
closes the connection with 1009; 1012 says that the service restarts: connect again."""


def live(hub: Hub, origins: AllowedOrigins) -> APIRouter:
    """Make the WebSocket's route, and the plain one beside it that says what it is."""
    router = APIRouter(tags=["live"])

    @router.websocket("/live")
    async def watch(socket: WebSocket) -> None:
        claimed = socket.headers.getlist("origin")
        if not origins.allow(claimed):
            detail = f"{', '.join(claimed)} is none of the origins that are let in"
            await socket.send_denial_response(
                problems.problem(problems.ORIGIN_REFUSED, detail, socket)
            )
            return
        try:
            with hub.watching() as client:
                await socket.accept()
                await serve(socket, client)
        except Full as full:
            await socket.send_denial_response(
                problems.problem(problems.TOO_MANY_CLIENTS, str(full), socket, problems.RETRY_AFTER)
            )

    @router.get(
        "/live",
        summary="The live figures, as a WebSocket",
        description=_DESCRIPTION,
        status_code=426,
        response_class=Response,
        responses={426: {"description": "this path speaks WebSocket only"}},
    )
    async def explain(request: Request) -> Response:
        detail = "open it as a WebSocket; the API's documentation has its messages"
        return problems.problem(
            problems.UPGRADE_REQUIRED, detail, request, {"upgrade": "websocket"}
        )

    return router
