"""A Redis client whose every wait ends and that tries nothing twice by itself."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.observability.attributes import ConnectionState

from services.core.telemetry.pools import Connections

REDIS_TROUBLE = (RedisError, OSError, TimeoutError, EOFError)
"""What a Redis that is away or starting raises."""


def open_redis(url: str, *, timeout_s: float) -> Redis:
    """Make a client; it connects when it is used.

    Args:
        url: ``redis://:password@host:port/database``.
        timeout_s: bound of a connect and of a wait for an answer, in seconds.

    """
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        max_connections=8,
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
