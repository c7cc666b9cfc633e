"""The plain version that does all the work: keys, figures and Redis, a request at a time.

``python -m bench.plain_whole``. What :mod:`bench.plain` leaves out is done with the product's own
statements, so that only the way of doing it is compared: a transaction and a write to Redis for
each request, over a pool of connections.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, cast

from fastapi import FastAPI, Header, HTTPException

from bench.plain import Grade, Stored, serve
from services.core.domain import outcome
from services.core.domain.ids import IdMaker
from services.core.domain.pending import Pending
from services.core.domain.record import decode_record
from services.core.live.projection import Projection
from services.core.live.redis_client import open_redis
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.storage.readings import Readings

ARM: Final = "fastapi"
"""The arm in whose place it stands, so that what it stores is counted as that one's."""
_POOL: Final = 8
"""Connections to MySQL; with more, transactions mostly wait for each other's rows, or deadlock."""
_FIRST_SLOT: Final = 1000
_TIMEOUT_S: Final = 10.0


class PlainWhole:
    """The application, its pool and its Redis."""

    def __init__(self, mysql_url: str, redis_url: str) -> None:
        self._mysql = MySQL(mysql_url, timeout_s=_TIMEOUT_S)
        self._redis = open_redis(redis_url, timeout_s=_TIMEOUT_S)
        self._pool: asyncio.Queue[Ledger] = asyncio.Queue()
        self._projection: Projection | None = None
        self._new_id = IdMaker().new
        self.application: FastAPI = FastAPI(lifespan=self._lifespan)
        self.application.post("/", status_code=201)(self.store)
        self.application.get("/readyz")(self.ready)

    async def store(
        self, record: Grade, idempotency_key: Annotated[str | None, Header()] = None
    ) -> Stored:
        """Store one record in a transaction of its own, then write it to Redis."""
        values = decode_record(record.model_dump_json().encode())
        pending = Pending(self._new_id(), values, idempotency_key, "")
        ledger = await self._pool.get()
        try:
            (stored,) = await ledger.write([pending])
            if not isinstance(stored, outcome.Stored):
                raise HTTPException(503)
            await cast("Projection", self._projection).apply([pending])
        finally:
            self._pool.put_nowait(ledger)
        return Stored(id=stored.id, arm=stored.arm)

    async def ready(self) -> dict[str, bool]:
        """Say that it runs."""
        return {"ready": True}

    @asynccontextmanager
    async def _lifespan(self, _application: FastAPI) -> AsyncIterator[None]:
        self._projection = Projection(self._redis, await Readings(self._mysql).ledger_id())
        for number in range(_POOL):
            slot = _FIRST_SLOT + number
            ledger = Ledger(self._mysql, arm=ARM, slot=slot, timeout_s=_TIMEOUT_S, outbox=False)
            self._pool.put_nowait(ledger)
        yield
        while not self._pool.empty():
            await self._pool.get_nowait().close()
        await self._redis.aclose()
        await self._mysql.close()


if __name__ == "__main__":
    urls = os.environ["MESHSPLIT_MYSQL_URL"], os.environ["MESHSPLIT_REDIS_URL"]
    serve(PlainWhole(*urls).application)
