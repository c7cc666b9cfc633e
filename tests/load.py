"""Clients that send one record after another to an arm, whatever happens to it."""

import asyncio
from typing import Final, Self

import httpx

from tests.arms import encoded

JSON: Final = {"content-type": "application/json"}


class Load:
    """Clients that send one record after another, and remember each answer."""

    def __init__(self, url: str, course: str, clients: int = 8) -> None:
        self._url = url
        self._body = encoded(curso=course)
        self._clients = clients
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.stored: list[str] = []
        self.statuses: dict[int, int] = {}
        self.broken = 0

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._send()) for _ in range(self._clients)]
        await asyncio.sleep(0.7)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.wait_for(asyncio.gather(*self._tasks), 40)

    async def _send(self) -> None:
        async with httpx.AsyncClient(timeout=20) as client:
            while not self._stop.is_set():
                try:
                    answer = await client.post(self._url, content=self._body, headers=JSON)
                except httpx.HTTPError:
                    self.broken += 1
                    await asyncio.sleep(0.05)
                    continue
                self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
                if answer.status_code == 201:
                    self.stored.append(answer.json()["id"])
                else:
                    assert answer.status_code in {503, 504}, answer.text
                    if answer.status_code == 503:
                        assert int(answer.headers["retry-after"]) >= 1
                    await asyncio.sleep(0.05)
