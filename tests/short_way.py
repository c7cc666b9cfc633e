"""uvicorn with the short way in it, and raw connections to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

import uvicorn

from services.core.http.direct import DirectRoute, protocol_of

LIMIT_S: Final = 5.0

OneRoute = TypeVar("OneRoute", bound=DirectRoute)


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def answer(self) -> tuple[bytes, bytes]:
        """Give the next answer's head and body."""
        async with asyncio.timeout(LIMIT_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return head, await self._reader.readexactly(length)

    async def ended(self) -> bool:
        """Whether the server has hung up, without another byte."""
        async with asyncio.timeout(LIMIT_S):
            return await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class Server(Generic[OneRoute]):
    """uvicorn with the short way, on a port of its own."""

    def __init__(self, server: uvicorn.Server, route: OneRoute) -> None:
        self.uvicorn = server
        self.route = route
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        port = self.uvicorn.servers[0].sockets[0].getsockname()[1]
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


@asynccontextmanager
async def serving(route: OneRoute, *, keep_alive_s: int = 60) -> AsyncIterator[Server[OneRoute]]:
    """Serve a route while the block runs."""
    server = uvicorn.Server(
        uvicorn.Config(
            route,
            port=0,
            http=protocol_of(route),
            ws="none",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=2,
        )
    )
    task = asyncio.create_task(server._serve())  # noqa: SLF001 - serve() takes the signals away
    await until(lambda: server.started)
    made = Server(server, route)
    try:
        yield made
    finally:
        await made.close()
        server.should_exit = True
        await asyncio.wait_for(task, LIMIT_S)


async def until(true: Callable[[], object]) -> None:
    """Wait for something, within bounds."""
    async with asyncio.timeout(LIMIT_S):
        while not true():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
