"""Clients of the live WebSocket, and how long the last of them waits for what was stored."""

import asyncio
import json
import random
import time
from typing import Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

from bench.histogram import Histogram

_AT_ONCE: Final = 50
_HEARD_S: Final = 10.0
_PAUSE_S: Final = 0.5
"""At most, between records: the reporter tells at a beat of its own, to be met at any moment."""


class UnheardError(Exception):
    """Not every client was told of a record; says how many weren't."""


class Watching:
    """Clients that are told of totals."""

    def __init__(self, url: str, clients: int) -> None:
        self._url = url
        self._clients = clients
        self._open: list[ClientConnection] = []
        self._listening: list[asyncio.Task[None]] = []
        self._known = [0] * clients
        self._awaited = 0
        self._unaware: set[int] = set()
        self._all_told: asyncio.Future[int] | None = None

    async def begin(self) -> None:
        """Connect all."""
        for start in range(0, self._clients, _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, self._clients))
            self._open += await asyncio.gather(*(connect(self._url) for _ in some))
        self._listening = [
            asyncio.create_task(self._listen(number, each))
            for number, each in enumerate(self._open)
        ]

    async def end(self) -> None:
        """Disconnect all."""
        await asyncio.gather(*(each.close() for each in self._open))
        await asyncio.gather(*self._listening, return_exceptions=True)

    def expect(self, total: int) -> None:
        """Note from now on who is told of so many records or more."""
        self._awaited = total
        self._unaware = {number for number, known in enumerate(self._known) if known < total}
        self._all_told = asyncio.get_running_loop().create_future()
        if not self._unaware:
            self._all_told.set_result(time.monotonic_ns())

    async def last_told(self) -> int:
        """Wait until each of them was, and give when the last one was.

        Raises:
            UnheardError: some weren't in time.

        """
        assert self._all_told is not None  # noqa: S101 - something is expected before
        try:
            async with asyncio.timeout(_HEARD_S):
                return await self._all_told
        except TimeoutError:
            raise UnheardError(
                f"{len(self._unaware)} of {self._clients} live clients weren't told of"
                f" {self._awaited} records in {_HEARD_S:g} s"
            ) from None

    async def _listen(self, number: int, client: ClientConnection) -> None:
        async for message in client:
            self._known[number] = total = json.loads(message)["total"]
            if total >= self._awaited and number in self._unaware:
                self._unaware.remove(number)
                if not self._unaware and self._all_told is not None:
                    self._all_told.set_result(time.monotonic_ns())


async def delays(watching: Watching, url: str, api: str, count: int) -> Histogram:
    """Measure, one record at a time, from its acknowledgement to the last screen that shows it.

    Args:
        watching: the screens, connected.
        url: takes records; they show in the live figures.
        api: the reporter's; nobody else writes meanwhile.
        count: how many records.

    Raises:
        UnheardError: some client was never told of one.

    """
    found = Histogram()
    body = {"carne": "1", "nombre": "a", "curso": "b", "nota": 61, "semestre": "c", "year": 2000}
    dice = random.Random(count)  # noqa: S311 - for moments
    async with httpx.AsyncClient(timeout=20) as client, connect(live(api)) as witness:
        total = int(json.loads(await witness.recv())["total"])
        for _ in range(count):
            total += 1
            watching.expect(total)
            (await client.post(url, json=body)).raise_for_status()
            stored = time.monotonic_ns()
            found.add(await watching.last_told() - stored)
            await asyncio.sleep(dice.uniform(0, _PAUSE_S))
    return found


def live(api: str) -> str:
    """Give the live WebSocket's URL."""
    return api.replace("http://", "ws://") + "/live"
