"""Just enough HTTP to send a record and to know for certain what was sent of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

HOST = "127.0.0.1"
LIMIT_BYTES = 4_000_000


class NotSent(Exception):  # noqa: N818  # a state, as its sibling
    """There was no connection: not a byte of the request left."""


class NoAnswer(Exception):  # noqa: N818  # a state, as its sibling
    """The request was sent, perhaps not whole, and no whole answer came."""


@dataclass(frozen=True)
class Answer:
    """A status, the headers by their lower-case names, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A connection that is kept as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, whatever is still to come."""
        if self._open is not None:
            self._open[1].transport.abort()
            self._open = None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_s: float,
    ) -> Answer:
        """Send a request and wait for its answer, both within a time, in seconds.

        Raises:
            NotSent: there is no connection.
            NoAnswer: none came in time, or not all of it.

        """
        loop = asyncio.get_running_loop()
        until = loop.time() + limit_s
        await self._connect(until)
        assert self._open is not None  # noqa: S101  # _connect made it
        reader, writer = self._open
        try:
            async with asyncio.timeout_at(until):
                writer.write(self._head(method, path, headers or {}, len(body)) + body)
                await writer.drain()
                answer = await _read(reader)
        except (TimeoutError, OSError, EOFError, ValueError) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__} {error}".strip()) from error
        except BaseException:
            self.close()
            raise
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def leave(
        self, headers: Mapping[str, str], body: bytes, *, sent: int, stay_s: float, limit_s: float
    ) -> None:
        """Send a POST's head and some bytes of its body, wait a little, and hang up.

        Raises:
            NotSent: there was no connection to begin with.

        """
        await self._connect(asyncio.get_running_loop().time() + limit_s)
        assert self._open is not None  # noqa: S101  # _connect made it
        _, writer = self._open
        try:
            writer.write(self._head("POST", "/", headers, len(body)) + body[:sent])
            async with asyncio.timeout(limit_s):
                await writer.drain()
            await asyncio.sleep(stay_s)
        except (TimeoutError, OSError):
            return  # gone before it could leave
        finally:
            self.close()

    async def _connect(self, until: float) -> None:
        if self._open is not None and not self._open[0].at_eof():
            return
        self.close()
        try:
            async with asyncio.timeout_at(until):
                self._open = await asyncio.open_connection(HOST, self._port, limit=LIMIT_BYTES)
        except (TimeoutError, OSError) as error:
            raise NotSent(f"{type(error).__name__} {error}".strip()) from error

    def _head(self, method: str, path: str, headers: Mapping[str, str], size: int) -> bytes:
        given = {"host": f"{HOST}:{self._port}", "content-length": str(size), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("ascii")


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "chunked" in headers.get("transfer-encoding", ""):
        return Answer(status, headers, await _read_chunks(reader))
    return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body
