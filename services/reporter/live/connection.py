"""uvicorn's WebSocket connection, ended for certain when it is over.

uvicorn closes a transport politely: what is still buffered is sent first. To a client that never
reads that takes for ever, and its buffers and its socket stay. Here a grace period follows, then
the connection is cut.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_GRACE_S = 5.0
_GRACE_AT_SHUTDOWN_S = 1.0


class LiveConnection(WebSocketsSansIOProtocol):
    """A connection that is cut when its client has not taken its last bytes in time."""

    async def run_asgi(self) -> None:
        """Run the application for this connection, then let nothing of it linger."""
        await super().run_asgi()
        self._cut_after(self.close_timeout + _GRACE_S)

    def keepalive_timeout(self) -> None:
        """End a connection whose client answers no ping."""
        super().keepalive_timeout()
        self._cut_after(_GRACE_S)

    def shutdown(self) -> None:
        """Tell the client that the service restarts (1012), without waiting long for it."""
        super().shutdown()
        self._cut_after(_GRACE_AT_SHUTDOWN_S)

    def _cut_after(self, seconds: float) -> None:
        if not self.disconnected:
            self.loop.call_later(seconds, self.transport.abort)
