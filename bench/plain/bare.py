"""The bare plain version: a FastAPI route and an insert a request.

``python -m bench.plain.bare``. Pydantic's validation, a pool of connections, a transaction a
record, uvicorn with uvloop and httptools. It has none of the rest: no keys, no figures for the
charts, no Redis, and no gRPC.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import aiomysql
from fastapi import FastAPI

from bench.plain.route import Grade, Stored, serve
from services.core.domain.ids import IdMaker
from services.core.storage.address import parse_address

ARM: Final = "plain"
TABLE: Final = "plain_records"
_POOL: Final = 32
_CREATE: Final = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (id BINARY(16) PRIMARY KEY, carne VARCHAR(255) NOT NULL,"
    " nombre VARCHAR(255) NOT NULL, curso VARCHAR(255) NOT NULL, nota TINYINT UNSIGNED NOT NULL,"
    " semestre VARCHAR(255) NOT NULL, year SMALLINT UNSIGNED NOT NULL)"
)
_INSERT: Final = f"INSERT INTO {TABLE} VALUES (UNHEX(%s), %s, %s, %s, %s, %s, %s)"  # noqa: S608 - a name of ours


class Plain:
    """The application and its pool."""

    def __init__(self, url: str) -> None:
        self._address = parse_address(url)
        self._pool: aiomysql.Pool | None = None
        self._new_id = IdMaker().new
        self.application: FastAPI = FastAPI(lifespan=self._lifespan)
        self.application.post("/", status_code=201)(self.store)

    async def store(self, record: Grade) -> Stored:
        """Store one record in a transaction of its own."""
        id_ = self._new_id()
        values = (id_.hex, *record.model_dump().values())
        pool = cast("aiomysql.Pool", self._pool)
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(_INSERT, values)
            await connection.commit()
        return Stored(id=id_, arm=ARM)

    @asynccontextmanager
    async def _lifespan(self, _application: FastAPI) -> AsyncIterator[None]:
        host, port = self._address.hosts[0]
        self._pool = await aiomysql.create_pool(
            minsize=_POOL,
            maxsize=_POOL,
            host=host,
            port=port,
            user=self._address.user,
            password=self._address.password,
            db=self._address.database,
            charset="utf8mb4",
        )
        async with self._pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(_CREATE)
        yield
        self._pool.terminate()
        await self._pool.wait_closed()


if __name__ == "__main__":
    serve(Plain(os.environ["MESHSPLIT_MYSQL_URL"]).application)
