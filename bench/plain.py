"""The plain version, to compare with: a FastAPI route and an insert a request.

``python -m bench.plain``. As a good programmer writes it in an afternoon: pydantic's validation, a
pool of connections, a transaction a record, uvicorn with uvloop and httptools. It has none of the
rest: no keys, no figures for the charts, no Redis.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, cast
from uuid import UUID

import aiomysql
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

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
Text = Annotated[str, Field(min_length=1, max_length=255)]


class Grade(BaseModel):
    """A record as it comes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    carne: Text
    nombre: Text
    curso: Text
    nota: Annotated[int, Field(ge=0, le=100)]
    semestre: Text
    year: Annotated[int, Field(ge=1900, le=2200)]


class Stored(BaseModel):
    """The answer."""

    id: UUID
    arm: str


class Plain:
    """The application and its pool."""

    def __init__(self, url: str) -> None:
        self._address = parse_address(url)
        self._pool: aiomysql.Pool | None = None
        self._new_id = IdMaker().new
        self.application: FastAPI = FastAPI(lifespan=self._lifespan)
        self.application.post("/", status_code=201)(self.store)
        self.application.get("/readyz")(self.ready)

    async def store(self, record: Grade) -> Stored:
        """Store one record in a transaction of its own."""
        id_ = self._new_id()
        values = (id_.hex, *record.model_dump().values())
        pool = cast("aiomysql.Pool", self._pool)
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(_INSERT, values)
            await connection.commit()
        return Stored(id=id_, arm=ARM)

    async def ready(self) -> dict[str, bool]:
        """Say that it runs."""
        return {"ready": True}

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


def serve(application: FastAPI) -> None:
    """Serve it where the place's service is told to listen."""
    uvicorn.run(
        application,
        port=int(os.environ["MESHSPLIT_PORT"]),
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    serve(Plain(os.environ["MESHSPLIT_MYSQL_URL"]).application)
