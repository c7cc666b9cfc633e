"""A Redis client whose every wait ends and that tries nothing twice by itself."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.observability.attributes import ConnectionState

from services.core.live.redis_address import Sentinels, parse_redis
from services.core.telemetry.pools import Connections

_CONNECTIONS = 8
REDIS_TROUBLE = (RedisError, OSError, TimeoutError, EOFError)
"""What a Redis that is away or starting raises."""


def open_redis(url: str, *, timeout_s: float) -> Redis:
    """Make a client; it connects when it is used.

    Args:
        url: as :func:`~services.core.live.redis_address.parse_redis` reads it.
        timeout_s: bound of a connect and of a wait for an answer, in seconds; of each Sentinel's
            as well.

    """
    waits: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }
    where = parse_redis(url)
    if isinstance(where, Sentinels):
        return _behind_sentinels(where, waits)
    client: Redis = Redis.from_url(where, max_connections=_CONNECTIONS, **waits)
    return client


class _BehindSentinels(Redis):
    """A client of whichever server the Sentinels name, asked anew for each connection."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections, those to the Sentinels too."""
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _behind_sentinels(where: Sentinels, waits: dict[str, Any]) -> Redis:
    untyped: Any = Sentinel  # redis-py leaves it without types
    sentinels = untyped(list(where.places), sentinel_kwargs=waits, **waits)
    client: Redis = sentinels.master_for(
        where.service,
        redis_class=_BehindSentinels,
        username=where.user,
        password=where.password,
        db=where.database,
        max_connections=_CONNECTIONS,
    )
    return client


def redis_connections(client: Redis) -> Connections:
    """Say how full a client's pool is."""
    pool = client.connection_pool
    in_use = sum(
        count
        for count, attributes in pool.get_connection_count()
        if ConnectionState.USED.value in attributes.values()
    )
    return Connections(in_use, pool.max_connections)


async def ping_redis(client: Redis) -> None:
    """Ask for a sign of life; raises one of REDIS_TROUBLE if there is none."""
    untyped: Any = client  # redis-py leaves execute_command without types
    await untyped.execute_command("PING")
