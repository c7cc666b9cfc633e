"""What the split's observer knows, kept in Redis for the reporter after this one."""

import logging
from typing import Final

from services.core.live.redis_client import REDIS_TROUBLE, open_redis

_KEY: Final = "meshsplit:split:observation"
_KEPT_S: Final = 7 * 24 * 3600
_log = logging.getLogger(__name__)


class SplitMemory:
    """Keeps one text. Without Redis it keeps nothing, and says so once.

    Args:
        url: ``redis://:password@host:port/database``.
        timeout_s: bound of every wait, in seconds.

    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._client = open_redis(url, timeout_s=timeout_s)
        self._kept: str | None = None
        self._away = False

    async def load(self) -> bytes | str | None:
        """Give what was kept; None if there is nothing, or no Redis."""
        try:
            kept = await self._client.get(_KEY)
        except REDIS_TROUBLE as error:
            self._say(error)
            return None
        return kept

    async def keep(self, text: str) -> None:
        """Keep a text instead of the one before."""
        if text == self._kept:
            return
        try:
            await self._client.set(_KEY, text, ex=_KEPT_S)
        except REDIS_TROUBLE as error:
            self._say(error)
            return
        self._kept, self._away = text, False

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.aclose()

    def _say(self, error: BaseException) -> None:
        if not self._away:
            _log.warning("a restart would count the split anew: Redis is away (%s)", error)
        self._away = True
