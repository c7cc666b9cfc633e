"""One live client from its handshake to its end."""

import asyncio
import time
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from services.reporter.live.client import Client
from services.reporter.live.messages import Nonsense, encode_error, read_select

SEND_TIMEOUT_S = 10.0
"""A client that takes nothing for so long is dropped."""

_MESSAGES_PER_S = 100
_BURST = 200

_CLOSE_TIMEOUT_S = 1.0

SERVICE_RESTART = 1012
"""Closing code: the service goes, another takes over; connect again."""

_ENDINGS = (WebSocketDisconnect, TimeoutError)


class _Allowance:
    """How fast a client is listened to: a burst, then so many messages a second."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._at = time.monotonic()

    async def spend(self) -> None:
        """Take one, and wait for it if there is none."""
        now = time.monotonic()
        self._left = min(_BURST, self._left + (now - self._at) * _MESSAGES_PER_S) - 1
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left / _MESSAGES_PER_S)


async def serve(socket: WebSocket, client: Client) -> None:
    """Listen to an accepted client and tell it what is new, until one of the two ends."""
    listening = asyncio.create_task(_listen(socket, client))
    telling = asyncio.create_task(_tell(socket, client))
    tasks = (listening, telling)
    try:
        await asyncio.wait((*tasks, client.closing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    if client.closing.done():
        await _close(socket, SERVICE_RESTART)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, _ENDINGS):
            raise outcome


async def _close(socket: WebSocket, code: int) -> None:
    with suppress(*_ENDINGS):
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await socket.close(code)


async def _listen(socket: WebSocket, client: Client) -> None:
    allowance = _Allowance()
    while True:
        await allowance.spend()
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await client.complain(encode_error("a message is JSON text; this frame was binary"))
            continue
        try:
            client.select(read_select(text))
        except Nonsense as nonsense:
            await client.complain(encode_error(str(nonsense)))


async def _tell(socket: WebSocket, client: Client) -> None:
    while True:
        message = await client.next_message()
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_text(message)
