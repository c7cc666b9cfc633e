"""The short way for a request that has come whole: no scope, no messages, no task of its own.

A record's POST usually comes in one piece, is read in one go and waits for nothing but its batch.
For such a request what ASGI adds costs more than all that is done with it. So uvicorn's protocol is
taught one thing: to hand a whole ``POST /`` to the route and to write the answer when it is there.
Whatever is unusual (a body that comes in pieces, an old HTTP version, a connection that is to end,
a request behind another, one that the route would rather see the long way) goes on through ASGI as
if nothing had been, with uvicorn's limits, time-outs and drain. Those of the connection hold here
too: the classes are uvicorn's.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from services.core.http.answers import Headers

Reply = Callable[[int, Headers, bytes], None]
"""Takes an answer: status, headers, body."""
_CLOSE: Final = (b"connection", b"close")
_log = logging.getLogger(__name__)


class DirectRoute(Protocol):
    """The route of ``POST /``: an ASGI application that knows the short way too."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request the long way."""

    def take(self, headers: Headers, body: bytes, reply: Reply) -> bool:
        """Take a whole request, and call back once when there is an answer; False: don't.

        It raises only as long as it hasn't begun: such a request goes the long way.
        """


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with the short way in it; a subclass says whose."""

    route: ClassVar[DirectRoute]

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # uvicorn's own, passed on
        self._whole: bytes | None = None
        """The body so far of a request that may go the short way."""
        self.cycle = self._answering = _Answering()
        self._idle_since: float | None = None

    def data_received(self, data: bytes) -> None:
        """Read requests; one that isn't all here goes the long way, which waits for the rest."""
        super().data_received(data)
        if self._whole is not None and not self.transport.is_closing():
            self._go_on_the_long_way()

    def on_message_begin(self) -> None:
        """Begin a request, without a scope as long as it may do without."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Choose the way."""
        if self._is_usual():
            self._whole = b""
        else:
            self._begin_the_long_way()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if self._whole is None:
            super().on_body(body)
        else:
            self._whole += body

    def on_message_complete(self) -> None:
        """Hand a whole request over."""
        if self._whole is None:
            super().on_message_complete()
            return
        self._answering.begin()
        before, self.cycle = self.cycle, self._answering
        if self._is_taken(self._whole):
            self._whole = None
        else:
            self._answering.response_complete = True
            self.cycle = before
            self._go_on_the_long_way()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what waits; else the time until the next request counts from now."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:  # one timer for many requests
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle all the time."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # a request is under way: its answer starts the time anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                left, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._whole = None
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None  # the timer sees it when it rings

    def _is_usual(self) -> bool:
        parser = self.parser
        return (
            self.url == b"/"
            and not self.expect_100_continue
            and self.cycle.response_complete
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def _is_taken(self, body: bytes) -> bool:
        try:
            return self.route.take(self.headers, body, self._reply)
        except Exception:  # noqa: BLE001 - the parser would blame the client, with 400
            _log.exception("the short way failed")
            return False

    def _begin_the_long_way(self) -> None:
        """Do what was left out at the request's beginning, and what follows it."""
        url, expects, headers = self.url, self.expect_100_continue, self.headers
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # the scope has this very list
        super().on_headers_complete()

    def _go_on_the_long_way(self) -> None:
        body, self._whole = self._whole, None
        self._begin_the_long_way()
        if body:
            super().on_body(body)

    def _reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Write an answer; nobody is there to read it if the connection has ended."""
        answering = self._answering
        answering.response_complete = True
        if self.transport.is_closing():
            return
        closes = not answering.keep_alive or _CLOSE in headers
        lines = [b": ".join(each) for each in (*self.server_state.default_headers, *headers)]
        if closes and _CLOSE not in headers:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        self.transport.write(b"%b%b\r\n\r\n%b" % (STATUS_LINE[status], head, body))
        if closes:
            self.transport.close()
        self.on_response_complete()


class _Answering(RequestResponseCycle):
    """What uvicorn sees of a request that goes the short way: that one is under way."""

    def __init__(self) -> None:  # the rest is of no use: there is no ASGI here
        self.message_event = asyncio.Event()
        self.disconnected = False
        self.response_complete = True
        self.keep_alive = True

    def begin(self) -> None:
        """Take a request upon it."""
        self.response_complete = False
        self.keep_alive = True


def protocol_of(route: DirectRoute) -> type[DirectProtocol]:
    """Make the protocol of a server whose ``POST /`` this is."""
    return type("RouteProtocol", (DirectProtocol,), {"route": route})
