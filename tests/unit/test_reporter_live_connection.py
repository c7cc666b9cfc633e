"""A WebSocket connection whose client never reads does not linger."""

import asyncio
import contextlib
import socket

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from services.reporter.live import connection
from services.reporter.live.connection import LiveConnection

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_client_that_never_reads_is_cut_off_after_a_grace_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_GRACE_S", 0.2)
    told = asyncio.Event()

    async def tell_much(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "x" * 20_000_000})
        told.set()

    config = Config(tell_much, log_config=None, lifespan="off", ws=LiveConnection)
    made: list[LiveConnection] = []

    def make() -> LiveConnection:
        made.append(LiveConnection(config, ServerState(), {}))
        made[-1].close_timeout = 0.2
        return made[-1]

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    with contextlib.closing(socket.create_connection(server.sockets[0].getsockname())) as deaf:
        deaf.sendall(HANDSHAKE)
        await asyncio.wait_for(told.wait(), 5)
        assert not made[0].disconnected
        async with asyncio.timeout(10):
            while not made[0].disconnected:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
    server.close()
    await server.wait_closed()
