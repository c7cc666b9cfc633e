"""The plain fastapi arm that does all the work: keys, figures and Redis, a request at a time.

``python -m bench.plain.whole``. What :mod:`bench.plain.bare` leaves out is done with the product's
own statements, so that only the way of doing it is compared: a transaction and a write to Redis
for each request.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, cast

from fastapi import FastAPI, Header, HTTPException

from bench.plain.ledgers import TIMEOUT_S, Ledgers
from bench.plain.route import Grade, Stored, pending, serve
from services.core.domain import outcome
from services.core.domain.ids import IdMaker
from services.core.live.projection import Projection
from services.core.live.redis_client import open_redis
from services.core.storage.readings import Readings

ARM: Final = "fastapi"
"""The arm in whose place it stands, so that what it stores is counted as that one's."""
_FIRST_SLOT: Final = 1000


class PlainWhole:
    """The application, its pool and its Redis."""

    def __init__(self, mysql_url: str, redis_url: str) -> None:
        self._ledgers = Ledgers(mysql_url, arm=ARM, first_slot=_FIRST_SLOT)
        self._redis = open_redis(redis_url, timeout_s=TIMEOUT_S)
        self._projection: Projection | None = None
        self._new_id = IdMaker().new
        self.application: FastAPI = FastAPI(lifespan=self._lifespan)
        self.application.post("/", status_code=201)(self.store)

    async def store(
        self, record: Grade, idempotency_key: Annotated[str | None, Header()] = None
    ) -> Stored:
        """Store one record in a transaction of its own, then write it to Redis."""
        one = pending(self._new_id(), record, idempotency_key)
        # Held while Redis is written: without that it is as fast, and more of them deadlock.
        async with self._ledgers.stored(one) as stored:
            if not isinstance(stored, outcome.Stored):
                raise HTTPException(503)
            await cast("Projection", self._projection).apply([one])
        return Stored(id=stored.id, arm=stored.arm)

    @asynccontextmanager
    async def _lifespan(self, _application: FastAPI) -> AsyncIterator[None]:
        ledger_id = await Readings(self._ledgers.mysql).ledger_id()
        self._projection = Projection(self._redis, ledger_id)
        self._ledgers.open()
        yield
        await self._ledgers.close()
        await self._redis.aclose()


if __name__ == "__main__":
    urls = os.environ["MESHSPLIT_MYSQL_URL"], os.environ["MESHSPLIT_REDIS_URL"]
    serve(PlainWhole(*urls).application)
