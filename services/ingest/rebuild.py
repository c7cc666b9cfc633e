"""Rebuild Redis from the ledger, in one command: ``python -m services.ingest.rebuild``.

It may run while the services do; what they write meanwhile is kept.
"""

import asyncio
import sys

from services.core.live.projection import Projection
from services.core.live.redis_client import REDIS_TROUBLE, open_redis
from services.core.live.repair import Repair
from services.core.settings import load_settings
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreFailure
from services.core.storage.outbox import Outbox
from services.core.storage.readings import Readings
from services.ingest.settings import IngestSettings


async def rebuild(mysql_url: str, redis_url: str, *, arm: str, timeout_s: float) -> int:
    """Empty the projection of an arm and make it anew; give the number of records it then has.

    Raises:
        StoreFailure: MySQL went away.
        redis.exceptions.RedisError, OSError: Redis went away.

    """
    mysql = MySQL(mysql_url, timeout_s=timeout_s)
    redis = open_redis(redis_url, timeout_s=timeout_s)
    try:
        projection = Projection(redis, await Readings(mysql).ledger_id())
        repair = Repair(projection, Outbox(mysql), arm=arm)
        if not await repair.rebuild(afresh=True):
            await repair.make_sure()
        await repair.catch_up(older_than_s=0)
        return (await projection.look([], [])).total
    finally:
        await redis.aclose()
        await mysql.close()


def main() -> int:
    """Run the command; give the process's status."""
    settings = load_settings(IngestSettings)
    try:
        total = asyncio.run(
            rebuild(
                settings.mysql_url,
                settings.redis_url,
                arm=settings.arm,
                timeout_s=settings.store_timeout_s,
            )
        )
    except (*REDIS_TROUBLE, StoreFailure) as error:
        sys.stderr.write(f"Redis was not rebuilt: {error}\n")
        return 1
    sys.stderr.write(f"Redis holds {total} records of arm {settings.arm}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
