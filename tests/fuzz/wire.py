"""A connection to one arm that says what came back for whatever bytes were sent."""

import asyncio
import re
from typing import Final, NamedTuple

LIMIT_S: Final = 20.0
"""No answer takes longer: the gateway would have given up."""
_HEAD_MAX: Final = 1 << 20
_OWN: Final = {b"date", b"x-request-id", b"x-trace-id"}
_ID: Final = re.compile(rb'"id":"[0-9a-f-]{36}","arm":"[a-z]+"')


class Answer(NamedTuple):
    """What of an answer must not depend on the arm."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


NOTHING: Final = Answer(0, (), b"")
"""The connection was closed without a word, or torn bytes left the arm waiting for more."""
_PATIENCE_S: Final = 1.0
"""How long torn bytes are given: an arm may wait for the rest of them."""


class Wire:
    """One connection at a time, a new one when the last was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, raw: bytes, *, method: bytes = b"POST", torn: bool = False) -> Answer:
        """Send bytes and read one answer.

        Raises:
            TimeoutError: none came, and the bytes were whole.

        """
        if torn:
            self.close()
        try:
            async with asyncio.timeout(_PATIENCE_S if torn else LIMIT_S):
                reader, writer = await self._connection()
                writer.write(raw)
                answer, keeps = await _read(reader, method)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer, keeps = NOTHING, False
        except TimeoutError:
            self.close()
            if not torn:
                raise
            return NOTHING
        if torn or not keeps:
            self.close()
        return answer

    def close(self) -> None:
        """Close at once."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", self._port, limit=_HEAD_MAX
            )
        return self._reader, self._writer


async def _read(reader: asyncio.StreamReader, method: bytes) -> tuple[Answer, bool]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    status = int(first.split(b" ")[1])
    if status == 100:
        return await _read(reader, method)
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    length = 0 if method == b"HEAD" else int(headers.get(b"content-length", b"0"))
    body = await reader.readexactly(length)
    if request_id := headers.get(b"x-request-id"):
        body = body.replace(b'"instance":"%b"' % request_id, b'"instance":""')
    body = _ID.sub(b'"id":"","arm":""', body).replace(b'"service":"ingest","arm":"fastapi"', b"")
    body = body.replace(b'"service":"bridge","arm":"grpc"', b"")
    kept = sorted(item for item in headers.items() if item[0] not in _OWN | {b"content-length"})
    return Answer(status, tuple(kept), body), headers.get(b"connection") != b"close"
