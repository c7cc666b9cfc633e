"""The live figures against a Redis that is away, stopped, emptied, or restarted with less."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from services.core.domain.pending import Pending
from services.core.live.projection import Projection
from services.core.live.reader import LiveReader, LiveState
from services.core.live.repair import Repair
from services.core.live.selection import Selection
from services.core.live.writer import LiveWriter
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.storage.outbox import Outbox
from services.core.storage.readings import Readings
from services.ingest.rebuild import rebuild
from tests.grading import some_batch
from tests.stores import MariaDB, RedisServer

SOON_S = 15.0


class System:
    """A ledger, its live projection, and everything that was stored through it."""

    def __init__(self, mysql_url: str, redis_url: str) -> None:
        self.mysql_url, self.redis_url = mysql_url, redis_url
        self.mysql = MySQL(mysql_url, timeout_s=2)
        self.ledger = Ledger(self.mysql, arm="fastapi", slot=0, timeout_s=2, outbox=True)
        self.other = Ledger(self.mysql, arm="grpc", slot=0, timeout_s=2, outbox=False)
        self.reader = LiveReader(redis_url, self.mysql, timeout_s=0.5)
        self.writer: LiveWriter | None = None
        self.stored: list[Pending] = []
        self._dice = random.Random(1)

    def start_writer(self) -> LiveWriter:
        self.writer = LiveWriter(self.redis_url, self.mysql, arm="fastapi", timeout_s=0.5)
        self.ledger.on_committed = self.writer.offer
        self.writer.start()
        return self.writer

    async def stop_writer(self) -> None:
        self.ledger.on_committed = None
        if self.writer is not None:
            await self.writer.stop()
            self.writer = None

    async def store(self, *sizes: int) -> None:
        for size in sizes:
            batch = some_batch(self._dice, size)
            await self.ledger.write(batch)
            self.stored += batch
            await self.other.write(some_batch(self._dice, 1))

    def expected(self) -> LiveState:
        students = defaultdict(set)
        for each in self.stored:
            record = each.record
            students[Selection(record.course, record.year, record.semester)].add(record.student_id)
        counts = {selection: len(ids) for selection, ids in students.items()}
        return LiveState(len(self.stored), counts | {Selection("nothing", 2002, "there"): 0}, 0.0)

    async def read(self) -> LiveState:
        return await self.reader.read(set(self.expected().students))

    async def becomes_exact(self) -> None:
        until = time.monotonic() + SOON_S
        while (state := await self.read()) != self.expected():
            assert time.monotonic() < until, (state, self.expected())
            if state.behind == 0:
                assert state == self.expected(), "it claims to be exact and is not"
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self.stop_writer()
        await self.reader.close()
        await self.ledger.close()
        await self.other.close()
        await self.mysql.close()


@pytest.fixture
async def system(empty_mysql_url: str, redis_url: str) -> AsyncIterator[System]:
    made = System(empty_mysql_url, redis_url)
    yield made
    await made.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def test_an_empty_ledger_is_exact_at_zero(system: System) -> None:
    assert await system.read() == system.expected()
    system.start_writer()
    await system.becomes_exact()


async def test_redis_follows_what_is_committed(system: System) -> None:
    writer = system.start_writer()
    await system.becomes_exact()
    await system.store(1, 30, 64, 5)
    await system.becomes_exact()
    assert writer.behind == 0


async def test_applying_twice_changes_nothing(system: System) -> None:
    await system.store(20, 20)
    redis: Redis = Redis.from_url(system.redis_url)
    projection = Projection(redis, await Readings(system.mysql).ledger_id())
    await projection.apply(system.stored)
    await projection.apply(system.stored[10:])
    look = await projection.look(system.expected().students, [])
    assert look.total == len(system.stored)
    assert look.students == system.expected().students
    await redis.aclose()


async def test_batches_without_a_writer_are_behind_and_caught_up_on(system: System) -> None:
    system.start_writer()
    await system.store(10)
    await system.becomes_exact()
    await system.stop_writer()
    await system.store(10, 10)
    await asyncio.sleep(0.3)
    state = await system.read()
    assert state.total == 10
    assert 0.25 < state.behind < 5
    system.start_writer()
    await system.becomes_exact()


async def test_a_stopped_writer_leaves_everything_marked(system: System) -> None:
    system.start_writer()
    await system.becomes_exact()
    await system.store(10, 10)
    await system.stop_writer()
    assert await Readings(system.mysql).pending_batches() == 0


async def test_an_emptied_redis_is_rebuilt(system: System, redis: Redis) -> None:
    system.start_writer()
    await system.store(30, 30)
    await system.becomes_exact()
    await redis.flushall()
    state = await system.read()
    assert state.total == 0
    assert state.behind > 0
    await system.store(10)
    await system.becomes_exact()


async def test_a_redis_killed_under_load_catches_up(
    system: System, redis_server: RedisServer
) -> None:
    system.start_writer()
    await system.store(30)
    await system.becomes_exact()
    redis_server.program.kill()
    await system.store(10, 10)
    first = await system.read()
    assert first.total == 30
    await asyncio.sleep(0.3)
    assert (await system.read()).behind >= first.behind + 0.25
    redis_server.program.start()
    await system.store(10)
    await system.becomes_exact()


async def test_a_stopped_redis_delays_nobody_and_catches_up(
    system: System, redis_server: RedisServer
) -> None:
    system.start_writer()
    await system.store(30)
    await system.becomes_exact()
    redis_server.program.pause()
    try:
        started = time.monotonic()
        await system.store(5, 5, 5)
        assert time.monotonic() - started < 1
        state = await system.read()
        assert time.monotonic() - started < 3
        assert state.total == 30
        assert state.behind > 0
    finally:
        redis_server.program.resume()
    await system.becomes_exact()


async def test_a_redis_restarted_with_lost_writes_gets_them_again(
    system: System, redis_server: RedisServer, redis: Redis
) -> None:
    system.start_writer()
    await system.store(30)
    await system.becomes_exact()
    await redis.save()
    await system.store(20, 20)
    await system.becomes_exact()
    await asyncio.sleep(1.5)  # the batches are marked as applied by now
    assert await Readings(system.mysql).pending_batches() == 0
    redis_server.program.kill()
    redis_server.program.start()
    assert (await system.read()).behind > 0
    await system.becomes_exact()


async def test_a_redis_restarted_with_an_old_snapshot_is_rebuilt(
    system: System, redis_server: RedisServer, redis: Redis, mariadb: MariaDB
) -> None:
    system.start_writer()
    await system.store(30)
    await system.becomes_exact()
    await system.stop_writer()
    state = f"grades:{(await Readings(system.mysql).ledger_id()).hex}:state"
    await redis.hset(state, "seen_at", repr(time.time() - 3600))
    await redis.save()
    system.start_writer()
    await system.store(20)
    await system.becomes_exact()
    await system.stop_writer()
    mariadb.query("DELETE FROM outbox", "grades")  # pruned an hour later
    redis_server.program.kill()
    redis_server.program.start()
    system.start_writer()
    await system.becomes_exact()


async def test_a_rebuild_while_writes_go_on_ends_exact(
    system: System, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.core.live.repair.CHUNK", 7)
    system.start_writer()
    await system.store(60, 60, 60)
    await system.becomes_exact()
    await redis.flushall()
    for _ in range(10):
        await system.store(5, 1)
        await asyncio.sleep(0.02)
    await system.becomes_exact()


async def test_a_redis_emptied_during_a_rebuild_is_not_called_complete(
    system: System, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.core.live.repair.CHUNK", 7)
    await system.store(60)
    outbox = Outbox(system.mysql)
    projection = Projection(redis, await Readings(system.mysql).ledger_id())
    real = outbox.chunk
    steps = 0

    async def empty_halfway(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 5:
            await redis.flushall()
        return await real(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(outbox, "chunk", empty_halfway)
    repair = Repair(projection, outbox, arm="fastapi")
    assert not await repair.rebuild()
    assert not (await projection.state()).complete
    await repair.make_sure()
    await repair.catch_up(older_than_s=0)
    assert await system.read() == system.expected()


async def test_one_command_rebuilds_from_nothing_and_from_nonsense(
    system: System, redis: Redis
) -> None:
    await system.store(40)
    prefix = f"grades:{(await Readings(system.mysql).ledger_id()).hex}"
    await redis.hset(f"{prefix}:records", "nobody's", "x")
    total = await rebuild(system.mysql_url, system.redis_url, arm="fastapi", timeout_s=2)
    assert total == 40
    assert await system.read() == system.expected()


async def test_two_writers_share_one_projection(system: System, redis: Redis) -> None:
    system.start_writer()
    second = Ledger(system.mysql, arm="fastapi", slot=1, timeout_s=2, outbox=True)
    their_writer = LiveWriter(system.redis_url, system.mysql, arm="fastapi", timeout_s=0.5)
    second.on_committed = their_writer.offer
    their_writer.start()
    for seed in range(5):
        batch = some_batch(random.Random(100 + seed), 10)
        await second.write(batch)
        system.stored += batch
        await system.store(10)
        if seed == 2:
            await redis.flushall()
    await system.becomes_exact()
    await their_writer.stop()
    await second.close()


async def test_a_queue_that_overflows_is_caught_up_on(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.core.live.writer.QUEUE_LIMIT", 1)
    system.start_writer()
    await system.becomes_exact()
    await system.store(*[1] * 30)
    await system.becomes_exact()


async def test_a_lost_reply_doubles_nothing(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Awaitable[None]] = Projection.apply
    lost = 0

    async def lose_the_reply(self: Projection, records: list[Pending]) -> None:
        nonlocal lost
        await real(self, records)
        if not lost:
            lost += 1
            raise ConnectionResetError("the reply was lost")

    monkeypatch.setattr(Projection, "apply", lose_the_reply)
    system.start_writer()
    await asyncio.sleep(0.3)
    await system.store(30, 30)
    await system.becomes_exact()
    assert lost == 1


async def test_with_mysql_away_nothing_is_called_exact(system: System, mariadb: MariaDB) -> None:
    system.start_writer()
    await system.store(10)
    await system.becomes_exact()
    mariadb.program.pause()
    try:
        state = await system.read()
        assert state.total == 10
        assert state.behind > 0
    finally:
        mariadb.program.resume()
    await system.becomes_exact()
