"""The gateway's proxies, all of them: how many there are changes while one looks."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from meshsplit.split.applied import Proxy
from meshsplit.split.observation import Counters
from meshsplit.split.weights import Split

_FIND_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one proxy said in one look."""

    before: Mapping[str, float] | None
    """Percent by arm just before its counters were read."""
    counters: Counters
    after: Mapping[str, float] | None
    """Percent by arm just after."""


class Gateway:
    """Every proxy behind an admin address: one, or as many as its name stands for.

    In a cluster the name is that of a Service without an address of its own, which DNS resolves
    to the addresses of the gateway's pods.
    """

    def __init__(self, client: httpx.AsyncClient, admin: str) -> None:
        self._client = client
        self._admin = httpx.URL(admin)

    async def read(self, split: Split) -> dict[str, Reading | None]:
        """Ask each proxy, all at once; None for one that can't be asked, nothing if none is found.

        The keys are the proxies' addresses.
        """
        addresses = await self._addresses()
        readings = await asyncio.gather(*(self._ask(address, split) for address in addresses))
        return dict(zip(addresses, readings, strict=True))

    async def _ask(self, address: str, split: Split) -> Reading | None:
        url = str(self._admin.copy_with(host=address))
        proxy = Proxy(self._client, url, host=self._admin.netloc.decode())
        try:
            before = await proxy.applied(split)
            counters = await proxy.counters(split)
            return Reading(before, counters, await proxy.applied(split))
        except (httpx.HTTPError, ValueError):
            return None

    async def _addresses(self) -> list[str]:
        loop = asyncio.get_running_loop()
        port = self._admin.port or 80
        try:
            async with asyncio.timeout(_FIND_S):
                found = await loop.getaddrinfo(self._admin.host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            return []
        # A proxy may have an address of each family, and is to be counted once.
        family = found[0][0]
        return sorted({str(place[0]) for kind, _, _, _, place in found if kind is family})
