"""What Redis holds, and how far behind the ledger that is."""

import time
from uuid import UUID

import msgspec

from services.core.live.projection import Look, Projection
from services.core.live.redis_client import (
    REDIS_TROUBLE,
    open_redis,
    ping_redis,
    redis_connections,
)
from services.core.live.selection import Selection
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreFailure
from services.core.storage.outbox import NO_ID, Outbox, OutboxRow
from services.core.storage.readings import Readings
from services.core.telemetry.pools import Connections

_PAGE = 500
_LEAST_S = 0.001
"""What is not known to be exact is never shown as 0."""


class LiveState(msgspec.Struct, frozen=True):
    """The live figures at one moment."""

    total: int
    """Records that Redis holds."""
    students: dict[Selection, int]
    """Distinct students of each selection asked for."""
    behind: float
    """Age of the oldest committed record that Redis lacks, in seconds; 0 when exact."""


class LiveReader:
    """Reads the projection, and holds it against the ledger's outbox.

    Args:
        redis_url: where Redis is.
        mysql: the ledger.
        timeout_s: bound of each wait for Redis, in seconds.

    """

    def __init__(self, redis_url: str, mysql: MySQL, *, timeout_s: float = 2.0) -> None:
        self._redis = open_redis(redis_url, timeout_s=timeout_s)
        self._readings = Readings(mysql)
        self._outbox = Outbox(mysql)
        self._projection: Projection | None = None
        self._exact_at = time.monotonic()
        self._total = 0
        self._students: dict[Selection, int] = {}

    async def read(self, selections: set[Selection]) -> LiveState:
        """Read the total and the students of each selection.

        With a store away it gives the last figures, 0 where there were none, and ``behind`` grows
        from the last moment at which they were exact.
        """
        try:
            return await self._read(selections)
        except (*REDIS_TROUBLE, StoreFailure):
            return await self._read_without_ledger(selections)

    async def ping(self) -> None:
        """Ask Redis for a sign of life; raises one of REDIS_TROUBLE if there is none."""
        await ping_redis(self._redis)

    def connections(self) -> Connections:
        """Say how full the pool of connections to Redis is."""
        return redis_connections(self._redis)

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._redis.aclose()

    async def _read(self, selections: set[Selection]) -> LiveState:
        if self._projection is None:
            self._projection = Projection(self._redis, await self._readings.ledger_id())
        # The ledger first: what is committed after that look may only make the figures newer.
        rows = await self._outbox.unapplied(NO_ID, _PAGE)
        looked_at = time.monotonic()
        look = await self._projection.look(selections, [row.record_ids[0] for row in rows])
        if not look.state.complete and look.state.cursor is None:
            self._projection = None  # perhaps the ledger is another one by now
        behind = await self._behind(look, rows)
        if behind == 0:
            self._exact_at = looked_at
        return self._remember(look, behind)

    async def _read_without_ledger(self, selections: set[Selection]) -> LiveState:
        behind = self._since_exact()
        if self._projection is not None:
            try:
                return self._remember(await self._projection.look(selections, []), behind)
            except REDIS_TROUBLE:
                pass  # nothing to be had from either: the last figures, then
        return LiveState(
            self._total, {each: self._students.get(each, 0) for each in selections}, behind
        )

    async def _behind(self, look: Look, rows: list[OutboxRow]) -> float:
        if not look.state.complete:
            start = look.state.cursor or await self._outbox.first_id()
            return 0.0 if start is None else max(_age(start), _LEAST_S)
        if not look.state.trusted:
            return self._since_exact()
        for row, held in zip(rows, look.held, strict=True):
            if not held:
                return max(row.age_s, _LEAST_S)
        # All of a full page is there: what comes after it was not looked at.
        return max(rows[-1].age_s, _LEAST_S) if len(rows) == _PAGE else 0.0

    def _since_exact(self) -> float:
        return max(time.monotonic() - self._exact_at, _LEAST_S)

    def _remember(self, look: Look, behind: float) -> LiveState:
        self._total, self._students = look.total, look.students
        return LiveState(look.total, look.students, behind)


def _age(record_id: UUID) -> float:
    """Seconds since a UUIDv7 was made: its first 48 bits are milliseconds (RFC 9562, 5.7)."""
    return time.time() - (record_id.int >> 80) / 1000
