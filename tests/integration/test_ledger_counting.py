"""A way to MySQL that counts found rows: nothing is stored over it, and it is said why."""

import asyncio
import random
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from audit.servers.mariadb import MariaDB
from services.core.domain.outcome import NotStored, Stored
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreAway
from services.core.storage.ledger import Ledger
from services.core.storage.readings import Readings
from tests.grading import some_batch

LIMIT_S = 3.0
FOUND_ROWS = 2
CAPABILITIES = 4
"""Where a login's capabilities begin, after its packet's head."""


class FoundRows:
    """Passes everything on, and asks for found rows to be counted when its client logs in."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.asks = True

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, up_writer}
        writer.write(await up_reader.read(1 << 16))
        login = bytearray(await reader.read(1 << 16))
        if self.asks:
            login[CAPABILITIES] |= FOUND_ROWS
        up_writer.write(login)
        for source, target in ((reader, up_writer), (up_reader, writer)):
            self._tasks.add(asyncio.create_task(self._pass_on(source, target)))

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 20):
                target.write(data)
        except OSError:
            pass  # the other side is told below
        target.transport.abort()

    async def stop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def through(
    mariadb: MariaDB, empty_mysql_url: str
) -> AsyncIterator[tuple[FoundRows, Ledger, MySQL]]:
    way = FoundRows(mariadb.port)
    server = await asyncio.start_server(way.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    path = urlsplit(empty_mysql_url).path
    mysql = MySQL(f"mysql://root:@127.0.0.1:{port}{path}", timeout_s=LIMIT_S)
    ledger = Ledger(mysql, arm="fastapi", slot=0, timeout_s=LIMIT_S, outbox=True)
    yield way, ledger, mysql
    await ledger.close()
    await mysql.close()
    await way.stop()
    server.close()


async def test_nothing_is_stored_where_found_rows_are_counted(
    through: tuple[FoundRows, Ledger, MySQL],
) -> None:
    _, ledger, mysql = through
    outcomes = await ledger.write(some_batch(random.Random(1), 5))
    assert {type(each) for each in outcomes} == {NotStored}
    assert await Readings(mysql).count_by_arm() == {}


async def test_a_service_does_not_get_ready_where_found_rows_are_counted(
    through: tuple[FoundRows, Ledger, MySQL],
) -> None:
    _, ledger, _ = through
    with pytest.raises(StoreAway, match="CLIENT_FOUND_ROWS"):
        await ledger.check_schema()


async def test_records_are_stored_once_the_way_counts_changes(
    through: tuple[FoundRows, Ledger, MySQL],
) -> None:
    way, ledger, mysql = through
    await ledger.write(some_batch(random.Random(1), 5))
    way.asks = False
    batch = some_batch(random.Random(2), 5)
    assert {type(each) for each in await ledger.write(batch)} == {Stored}
    assert sum((await Readings(mysql).count_by_arm()).values()) == 5
    assert await mysql.fetch("SELECT id FROM fences") == ()
