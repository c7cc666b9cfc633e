"""A gRPC call as bare HTTP/2, to send what gRPC's own client keeps to itself.

A client whose deadline has passed sends nothing at all, nor does one that cancels at once: what
they are told says nothing of the server.
"""

import asyncio
import re
import struct
from enum import Enum, auto
from typing import Final, NamedTuple

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _CONTINUATION = 0, 1, 3, 4, 6, 9
_ACK: Final = 1
_END_STREAM: Final = 1
_END_HEADERS: Final = 4
_STREAM: Final = 1
_FRAME_MAX: Final = 16_384
_NO_TABLE: Final = struct.pack("!HI", 1, 0)
"""A setting: the server may not refer to headers it sent before, so that each is written out."""
_CANCEL: Final = struct.pack("!I", 8)
_STATUS: Final = re.compile(rb"\x0bgrpc-status[\x01\x02](\d+)")
"""gRPC's server writes it as it is, never in Huffman's code."""


class Leave(Enum):
    """How a caller goes before it has its answer."""

    RESETS = auto()
    HANGS_UP = auto()


class Ended(NamedTuple):
    """How the server ended a call."""

    status: int | None = None
    """gRPC's, of the trailers; None where there were none."""
    reset: int | None = None
    """HTTP/2's reason for ending the stream without more, if it did."""
    body: bytes = b""


async def call(
    target: str,
    method: str,
    message: bytes,
    *,
    timeout: str | None = None,  # noqa: ASYNC109 - it is the server's, sent as it is
    leave: Leave | None = None,
    after_s: float = 0.0,
) -> Ended:
    """Call a method on a connection of its own.

    Args:
        target: host and port.
        method: its path.
        message: the request's bytes, or whatever else; with its head at most 65,535 of them.
        timeout: what ``grpc-timeout`` says, such as ``1n``; None sends none.
        leave: go without waiting for the answer.
        after_s: how long after the whole request that is, in seconds.

    """
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(_request(target, method, message, timeout))
        if leave is not None:
            await asyncio.sleep(after_s)
        if leave is Leave.HANGS_UP:
            return Ended()
        if leave is Leave.RESETS:  # the server has read it when it answers the ping behind it
            writer.write(_frame(_RESET, 0, _STREAM, _CANCEL) + _frame(_PING, 0, 0, bytes(8)))
        return await _end(reader, writer)
    finally:
        writer.transport.abort()


def _request(target: str, method: str, message: bytes, timeout: str | None) -> bytes:
    headers = {":method": "POST", ":scheme": "http", ":path": method, ":authority": target}
    headers |= {"te": "trailers", "content-type": "application/grpc"}
    headers |= {} if timeout is None else {"grpc-timeout": timeout}
    block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in headers.items())
    body = struct.pack("!BI", 0, len(message)) + message
    parts = [body[at : at + _FRAME_MAX] for at in range(0, len(body), _FRAME_MAX)]
    frames = [_PREFACE, _frame(_SETTINGS, 0, 0, _NO_TABLE)]
    frames.append(_frame(_HEADERS, _END_HEADERS, _STREAM, block))
    frames += [_frame(_DATA, 0, _STREAM, part) for part in parts[:-1]]
    return b"".join([*frames, _frame(_DATA, _END_STREAM, _STREAM, parts[-1])])


def _text(text: str) -> bytes:
    assert len(text) < 127, "a longer one has its length in several bytes"
    return bytes([len(text)]) + text.encode()


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ended:
    """Read to the stream's end, or to the answer to a ping."""
    body = block = b""
    while True:
        head = await reader.readexactly(9)
        kind, flags = head[3], head[4]
        payload = await reader.readexactly(int.from_bytes(head[:3]))
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and flags & _ACK:
            return Ended()
        elif kind == _PING:
            writer.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _DATA:
            body += payload
        elif kind in {_HEADERS, _CONTINUATION}:
            block += payload
        elif kind == _RESET:
            return Ended(_status(block), int.from_bytes(payload), body)
        if kind in {_DATA, _HEADERS} and flags & _END_STREAM:
            return Ended(_status(block), None, body)


def _status(block: bytes) -> int | None:
    found = _STATUS.search(block)
    return int(found[1]) if found else None
