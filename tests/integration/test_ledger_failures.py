"""What the ledger promises when MySQL, or the way to it, breaks: each failure where it hurts."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from audit.servers.mariadb import MariaDB
from services.core.domain.outcome import NotStored, Stored, Unknown
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreAway
from services.core.storage.ledger import CommittedBatch, Ledger
from services.core.storage.readings import Readings
from services.core.storage.settle import settle
from tests.grading import some_batch

LIMIT_S = 1.5


class Proxy:
    """A way to MySQL that loses what it is told to lose."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.lose_commit = False
        """Cut the connection instead of passing COMMIT on."""
        self.lose_answer = False
        """Pass COMMIT on, and cut the connection instead of passing its answer on."""
        self.swallow = False
        """Pass COMMIT on, and its answer never."""
        self.refuse_new = False

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse_new:
            writer.transport.abort()
            return
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, up_writer}
        muted = asyncio.Event()
        for work in (
            self._upward(reader, up_writer, writer, muted),
            self._downward(up_reader, writer, muted),
        ):
            task = asyncio.create_task(work)
            self._tasks.add(task)

    async def _upward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        muted: asyncio.Event,
    ) -> None:
        while data := await self._read(reader):
            if data[5:] == b"COMMIT":
                if self.lose_commit:
                    back.transport.abort()
                    writer.transport.abort()
                    return
                if self.lose_answer or self.swallow:
                    muted.set()
            writer.write(data)
        writer.transport.abort()

    async def _downward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, muted: asyncio.Event
    ) -> None:
        while data := await self._read(reader):
            if not muted.is_set():
                writer.write(data)
            elif self.lose_answer:
                break
        writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.read(1 << 20)
        except OSError:
            return b""


@pytest.fixture
async def proxy(mariadb: MariaDB, empty_mysql_url: str) -> AsyncIterator[tuple[Proxy, MySQL]]:
    way = Proxy(mariadb.port)
    place = await way.start()
    mysql = MySQL(f"mysql://root:@{place}{urlsplit(empty_mysql_url).path}", timeout_s=LIMIT_S)
    yield way, mysql
    await mysql.close()
    await way.stop()


@pytest.fixture
async def mysql(empty_mysql_url: str) -> AsyncIterator[MySQL]:
    store = MySQL(empty_mysql_url, timeout_s=LIMIT_S)
    yield store
    await store.close()


def make_ledger(mysql: MySQL, *, outbox: bool = True) -> Ledger:
    return Ledger(mysql, arm="fastapi", slot=0, timeout_s=LIMIT_S, outbox=outbox)


async def count(mysql: MySQL) -> int:
    return sum((await Readings(mysql).count_by_arm()).values())


async def test_a_lost_commit_is_settled_as_not_stored(
    proxy: tuple[Proxy, MySQL], mysql: MySQL
) -> None:
    way, through = proxy
    ledger = make_ledger(through)
    told: list[CommittedBatch] = []
    ledger.on_committed = told.append
    batch = some_batch(random.Random(1), 5)
    session = await ledger.session(asyncio.get_running_loop().time() + 1)
    assert session.usable
    way.lose_commit = True
    outcomes = await ledger.write(batch)  # settling has no COMMIT of its own
    way.lose_commit = False
    assert {type(each) for each in outcomes} == {NotStored}
    assert await count(mysql) == 0
    assert told == []
    assert {type(each) for each in await ledger.write(some_batch(random.Random(2), 3))} == {Stored}
    await ledger.close()


async def test_a_commit_whose_answer_is_lost_is_settled_as_stored(
    proxy: tuple[Proxy, MySQL], mysql: MySQL
) -> None:
    way, through = proxy
    ledger = make_ledger(through)
    told: list[CommittedBatch] = []
    ledger.on_committed = told.append
    batch = some_batch(random.Random(1), 5)
    await ledger.session(asyncio.get_running_loop().time() + 1)
    way.lose_answer = True
    outcomes = await ledger.write(batch)
    way.lose_answer = False
    assert outcomes == [Stored(each.id, "fastapi") for each in batch]
    assert await count(mysql) == 5
    assert [each.records for each in told] == [batch]
    await ledger.close()


async def test_an_answer_that_never_comes_is_settled_in_time(
    proxy: tuple[Proxy, MySQL], mysql: MySQL
) -> None:
    way, through = proxy
    ledger = make_ledger(through)
    batch = some_batch(random.Random(1), 5)
    await ledger.session(asyncio.get_running_loop().time() + 1)
    way.swallow = True
    started = time.monotonic()
    outcomes = await ledger.write(batch)
    assert time.monotonic() - started < 2 * LIMIT_S + 1
    way.swallow = False
    assert outcomes == [Stored(each.id, "fastapi") for each in batch]
    assert await count(mysql) == 5
    await ledger.close()


async def test_what_cannot_be_settled_is_unknown_in_time(
    proxy: tuple[Proxy, MySQL], mysql: MySQL
) -> None:
    way, through = proxy
    ledger = make_ledger(through)
    batch = some_batch(random.Random(1), 5)
    await ledger.session(asyncio.get_running_loop().time() + 1)
    way.lose_answer = True
    way.refuse_new = True
    started = time.monotonic()
    assert await ledger.write(batch) == [Unknown()] * 5
    assert time.monotonic() - started < 2 * LIMIT_S + 1
    way.lose_answer = way.refuse_new = False
    assert set((await ledger.settle([each.id for each in batch])).values()) == {True}
    assert await count(mysql) == 5
    await ledger.close()


async def test_a_connection_killed_before_the_commit_is_replaced(
    mysql: MySQL, mariadb: MariaDB
) -> None:
    ledger = make_ledger(mysql)
    await ledger.write(some_batch(random.Random(1), 1))
    session = await ledger.session(0)
    mariadb.query(f"KILL {session.number}")
    batch = some_batch(random.Random(2), 5)
    assert await ledger.write(batch) == [Stored(each.id, "fastapi") for each in batch]
    assert await count(mysql) == 6
    await ledger.close()


async def test_a_stopped_server_is_given_up_in_time(mysql: MySQL, mariadb: MariaDB) -> None:
    ledger = make_ledger(mysql)
    await ledger.write(some_batch(random.Random(1), 1))
    mariadb.program.pause()
    try:
        started = time.monotonic()
        outcomes = await ledger.write(some_batch(random.Random(2), 5))
        assert outcomes == [NotStored("the database is away")] * 5
        assert time.monotonic() - started < LIMIT_S + 1
        with pytest.raises(StoreAway):
            await mysql.ping()
        assert set((await ledger.settle([some_batch(random.Random(4), 1)[0].id])).values()) == {
            None
        }
    finally:
        mariadb.program.resume()
    batch = some_batch(random.Random(3), 5)
    assert await ledger.write(batch) == [Stored(each.id, "fastapi") for each in batch]
    assert await count(mysql) == 6
    await ledger.close()


async def test_no_server_at_all_is_not_stored() -> None:
    mysql = MySQL("mysql://root:@127.0.0.1:1/grades", timeout_s=LIMIT_S)
    ledger = make_ledger(mysql)
    outcomes = await ledger.write(some_batch(random.Random(2), 2))
    assert outcomes == [NotStored("the database is away")] * 2


async def test_settling_waits_for_a_writer_that_has_inserted(mysql: MySQL) -> None:
    ledger = make_ledger(mysql, outbox=False)
    batch = some_batch(random.Random(5), 3)
    async with await mysql.connect() as session:
        until = asyncio.get_running_loop().time() + 5
        transaction = ledger.transaction(session, until, ledger.new_batch_id())
        await transaction.add(batch, [])  # a writer just before its COMMIT
        settling = asyncio.create_task(settle(mysql, [each.id for each in batch], limit_s=5))
        done, _ = await asyncio.wait([settling], timeout=0.3)
        assert not done
        await session.run("COMMIT")
    assert await settling == {each.id: True for each in batch}


async def test_a_fenced_record_is_never_stored_and_its_company_is(mysql: MySQL) -> None:
    ledger = make_ledger(mysql)
    batch = some_batch(random.Random(6), 4)
    assert await ledger.settle([batch[1].id]) == {batch[1].id: False}
    outcomes = await ledger.write(batch)
    assert [type(each) for each in outcomes] == [Stored, NotStored, Stored, Stored]
    assert await count(mysql) == 3
    await ledger.close()


async def test_a_writer_that_waits_too_long_for_a_lock_stores_nothing(mysql: MySQL) -> None:
    ledger = make_ledger(mysql)
    first = some_batch(random.Random(7), 3)
    await ledger.write(first)
    async with await mysql.connect() as session:
        await session.run("SELECT * FROM record_totals FOR UPDATE")
        started = time.monotonic()
        outcomes = await ledger.write(some_batch(random.Random(8), 3))
        assert {type(each) for each in outcomes} == {NotStored}
        assert time.monotonic() - started < LIMIT_S + 1
    assert await count(mysql) == 3
    await ledger.close()
