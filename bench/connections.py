"""A client connection: one request under way, sent as bytes that are made already."""

import asyncio
from typing import Protocol, cast

from bench.answers import Answer, UnreadableError, read_answer


class Sender(Protocol):
    """Whoever sends over connections."""

    def answered(self, connection: "Connection", answer: Answer, due_ns: int) -> None:
        """Take the answer to the request that was due then."""

    def failed(self, connection: "Connection", what: str) -> None:
        """Take note that a connection ended; a request may have been under way."""


class Connection(asyncio.Protocol):
    """A connection of a sender's."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._due_ns: int | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._due_ns is not None

    def send(self, request: bytes, due_ns: int) -> None:
        """Send a request; it was due at a time, by the monotonic clock."""
        self._due_ns = due_ns
        if self._transport is None or self._transport.is_closing():
            self._fail("the connection had been closed")
            return
        self._transport.write(request)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read an answer when it is all there."""
        self._buffer = self._buffer + data if self._buffer else data
        due_ns = self._due_ns
        try:
            answer = read_answer(self._buffer)
        except UnreadableError as error:
            self._fail(str(error))
            return
        if answer is None:
            return
        if due_ns is None or answer.length != len(self._buffer):
            self._fail(f"more than was asked for: {self._buffer[:80]!r}")
        else:
            self._buffer = b""
            self._due_ns = None
            self._sender.answered(self, answer, due_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell, if an answer is still waited for."""
        if self.busy:
            self._fail(f"the connection ended: {exc}")

    def _fail(self, what: str) -> None:
        self._due_ns = None  # told once
        self.close()
        self._sender.failed(self, what)
