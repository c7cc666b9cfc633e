"""GETs over HTTP/1.1: an HTTP library would take as long as many of the answers it measures."""

import asyncio
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_WAIT_S: Final = 20.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Got(NamedTuple):
    """An answer."""

    status: int
    body: bytes


class Connections:
    """Connections to one server, as many as there are GETs under way; each stays for the next."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, url: str) -> Got:
        """Ask for what is at a URL of that server.

        Raises:
            OSError: the server hung up, or couldn't be reached.
            EOFError: it hung up amid its answer.
            TimeoutError: it took longer than twenty seconds.
            ValueError: what came is no answer with a Content-Length.

        """
        async with asyncio.timeout(_WAIT_S):
            reader, writer = self._idle.pop() if self._idle else await self._connect()
            path = url.partition(self._host)[2]
            writer.write(f"GET {path} HTTP/1.1\r\nhost: {self._host}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if length is None:
                raise ValueError(f"no answer with a Content-Length: {head[:80]!r}")
            body = await reader.readexactly(int(length[1]))
        if _CLOSES.search(head):
            writer.close()
        else:
            self._idle.append((reader, writer))
        return Got(int(head.split(b" ", 2)[1]), body)

    def close(self) -> None:
        """Close them."""
        for _, writer in self._idle:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self._host.rpartition(":")
        return await asyncio.open_connection(host, int(port))
