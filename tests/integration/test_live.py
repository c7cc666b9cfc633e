"""The live figures, while everything is well and while a store is away."""

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from audit.servers.mariadb import MariaDB
from audit.servers.redis_server import RedisServer
from services.core.domain.pending import Pending
from services.core.live.projection import Projection
from services.core.live.writer import LiveWriter
from services.core.storage.ledger import Ledger
from services.core.storage.readings import Readings
from tests.grading import some_batch
from tests.live_system import System

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


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
    writer = system.start_writer(timeout_s=10)
    await system.store(30)
    await system.becomes_exact()
    redis_server.program.pause()
    try:
        started = time.monotonic()
        await system.store(5, 5, 5)
        assert time.monotonic() - started < 5, "the writer waits ten seconds for Redis"
        assert writer.behind > 0
        assert writer.waiting > 0, "what is being applied isn't there yet"
        started = time.monotonic()
        state = await system.read()
        assert time.monotonic() - started < 3
        assert state.total == 30
        assert state.behind > 0
    finally:
        redis_server.program.resume()
    await system.becomes_exact()


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
