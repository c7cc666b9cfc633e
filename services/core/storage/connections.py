"""MySQL as the services hold it: sessions on demand, and a small pool for short reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.core.storage.address import parse_address
from services.core.storage.failures import StoreAway
from services.core.storage.sessions import Answer, Row, Session, connect
from services.core.telemetry.pools import Connections
from services.core.telemetry.traces import OFF, Traces


class MySQL:
    """Opens connections and keeps a few for reading. Nothing is connected until it is used.

    Args:
        url: ``mysql://user:password@host:port/database``.
        timeout_s: bound of every single wait: a connect, a round trip, a place in the pool.
        pool_size: most connections that reads use at once.
        traces: have the tracer for what is traced.

    Raises:
        ValueError: the URL has another form.

    """

    def __init__(
        self, url: str, *, timeout_s: float = 5.0, pool_size: int = 4, traces: Traces = OFF
    ) -> None:
        self.address = parse_address(url)
        self.timeout_s = timeout_s
        self._tracer = traces.tracer
        self._places = asyncio.Semaphore(pool_size)
        self._pool_size = pool_size
        self._in_use = 0
        self._idle: list[Session] = []
        self._closed = False

    async def connect(self, *, timeout_s: float | None = None) -> Session:
        """Open a session of the caller's own, for transactions: it commits when told.

        ``timeout_s`` bounds the connecting alone: one made in haste waits no shorter later for it.

        Raises:
            StoreAway: MySQL did not take the connection in time.

        """
        return await connect(
            self.address,
            autocommit=False,
            timeout_s=self.timeout_s,
            within_s=timeout_s,
            tracer=self._tracer,
        )

    async def fetch(self, statement: str) -> tuple[Row, ...]:
        """Run one statement on its own and give its rows.

        Raises:
            StoreAway: no connection, or no answer in time.
            StoreRefused: the statement failed.

        """
        return (await self.run(statement))[0].rows

    async def run(self, *statements: str) -> list[Answer]:
        """Run statements in one round trip, each committed on its own.

        They must be fit to be run twice: a pooled connection that the server closed meanwhile is
        replaced, once.

        Raises:
            StoreAway: no connection, or no answer in time.
            StoreRefused: one of the statements failed.

        """
        async with self._place():
            while self._idle:
                session = self._idle.pop()
                started = asyncio.get_running_loop().time()
                try:
                    return await self._use(session, statements)
                except StoreAway:
                    if asyncio.get_running_loop().time() - started > self.timeout_s / 2:
                        raise  # it hung: a new connection would hang as long again
            session = await connect(
                self.address, autocommit=True, timeout_s=self.timeout_s, tracer=self._tracer
            )
            return await self._use(session, statements)

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            StoreAway: there is none.

        """
        await self.fetch("SELECT 1")

    def connections(self) -> Connections:
        """Say how full the pool for reads is."""
        return Connections(self._in_use, self._pool_size)

    async def close(self) -> None:
        """Close what the pool holds; what is in use is closed when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    async def _use(self, session: Session, statements: tuple[str, ...]) -> list[Answer]:
        try:
            return await session.run(*statements)
        finally:
            if session.usable and not self._closed:
                self._idle.append(session)
            else:
                session.abort()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._places.acquire()
        except TimeoutError:
            raise StoreAway("every connection to MySQL is busy") from None
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            self._places.release()
