"""uvicorn's WebSocket connection, bounded, and ended for certain when it is over.

uvicorn closes a transport politely: what is still buffered is sent first. To a client that never
reads that takes for ever, and its buffers and its socket stay. Here a grace period follows, then
the connection is cut. uvicorn also queues every message of what one read brought, tens of thousands
if they are small, and logs a trace for text that is no UTF-8. Here both end the connection.
"""

from typing import Final

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_GRACE_S = 5.0
_GRACE_AT_SHUTDOWN_S = 1.0
WAITING_MAX: Final = 256
"""Most messages of one client that wait to be read; a page sends one now and then."""
_INVALID_DATA: Final = 1007
_POLICY_VIOLATION: Final = 1008


class LiveConnection(WebSocketsSansIOProtocol):
    """A connection that is cut when its client has not taken its last bytes in time."""

    async def run_asgi(self) -> None:
        """Run the application for this connection, then let nothing of it linger."""
        await super().run_asgi()
        self._cut_after(self.close_timeout + _GRACE_S)

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message; to a connection that is being closed it comes too late, no more."""
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.accept":
            # Nobody asks for them any more, and they are a tenth of what a client costs.
            del self.request, self.response

    def keepalive_timeout(self) -> None:
        """End a connection whose client answers no ping."""
        super().keepalive_timeout()
        self._cut_after(_GRACE_S)

    def shutdown(self) -> None:
        """Tell the client that the service restarts (1012), without waiting long for it."""
        super().shutdown()
        self._cut_after(_GRACE_AT_SHUTDOWN_S)

    def send_receive_event_to_app(self) -> None:
        """Hand a whole message on, unless too many wait or it is no text."""
        if self.close_sent:
            self.frames = []
        elif self.queue.qsize() >= WAITING_MAX:
            self._refuse(_POLICY_VIOLATION, "too many messages at once")
        elif self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self._refuse(_INVALID_DATA, "expected UTF-8")
        else:
            super().send_receive_event_to_app()

    def _refuse(self, code: int, reason: str) -> None:
        self.frames = []
        self.conn.send_close(code, reason)
        self.handle_parser_exception()
        self._cut_after(_GRACE_S)

    def _cut_after(self, seconds: float) -> None:
        if not self.disconnected:
            self.loop.call_later(seconds, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
