"""The live figures after a Redis that was emptied, or restarted with less."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from audit.servers.mariadb import MariaDB
from audit.servers.redis_server import RedisServer
from services.core.live.projection import Projection
from services.core.live.repair import Repair
from services.core.storage.outbox import Outbox
from services.core.storage.readings import Readings
from services.ingest.rebuild import rebuild
from tests.live_system import System


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
