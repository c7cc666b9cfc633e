"""A ledger with its live projection, for tests that trouble it."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from services.core.live.reader import LiveReader, LiveState
from services.core.live.selection import Selection
from services.core.live.writer import LiveWriter
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from tests.grading import some_batch

if TYPE_CHECKING:
    from services.core.domain.pending import Pending

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

    def start_writer(self, timeout_s: float = 0.5) -> LiveWriter:
        self.writer = LiveWriter(self.redis_url, self.mysql, arm="fastapi", timeout_s=timeout_s)
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
