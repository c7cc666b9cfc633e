"""Rows in MySQL and in Redis, counted: what was acknowledged must be there, and nothing else."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.plain.bare import ARM as PLAIN
from bench.plain.bare import TABLE as PLAIN_TABLE
from services.core.live.projection import Projection
from services.core.live.redis_client import open_redis
from services.core.storage.connections import MySQL
from services.core.storage.readings import Readings

_TIMEOUT_S: Final = 30.0
_STILL_S: Final = 3.0
"""Redis that has been given nothing for so long has caught up, if it ever will."""
_POLL_S: Final = 0.1
_BY_ARM: Final = "SELECT arm, COUNT(*) FROM records GROUP BY arm"


@dataclass(frozen=True)
class Counts:
    """What is stored at one moment."""

    rows: Mapping[str, int]
    """Rows of MySQL's records, by arm, counted one by one."""
    live: int
    """Records in Redis."""

    def since(self, before: "Counts") -> "Counts":
        """Give what came between two moments."""
        arms = {*self.rows, *before.rows}
        rows = {arm: self.rows.get(arm, 0) - before.rows.get(arm, 0) for arm in arms}
        return Counts({arm: n for arm, n in rows.items() if n}, self.live - before.live)


def count(mysql_url: str, redis_url: str, projected: str) -> Counts:
    """Count everything; waits until Redis has the arm's records, or is given no more of them."""
    return asyncio.run(_count(mysql_url, redis_url, projected))


async def _count(mysql_url: str, redis_url: str, projected: str) -> Counts:
    mysql = MySQL(mysql_url, timeout_s=_TIMEOUT_S)
    redis = open_redis(redis_url, timeout_s=_TIMEOUT_S)
    try:
        rows = {str(arm): int(n) for arm, n in await mysql.fetch(_BY_ARM)}
        if await mysql.fetch(f"SHOW TABLES LIKE '{PLAIN_TABLE}'"):
            ((plain,),) = await mysql.fetch(f"SELECT COUNT(*) FROM {PLAIN_TABLE}")  # noqa: S608 - ours
            rows[PLAIN] = int(plain)
        projection = Projection(redis, await Readings(mysql).ledger_id())
        live, until = -1, 0.0
        while True:
            before, live = live, (await projection.look([], [])).total
            if live != before:
                until = time.monotonic() + _STILL_S
            if live == rows.get(projected, 0) or time.monotonic() > until:
                return Counts(rows, live)
            await asyncio.sleep(_POLL_S)
    finally:
        await redis.aclose()
        await mysql.close()
