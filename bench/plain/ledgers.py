"""The ledger as the plain versions use it: a transaction a record, over a pool of connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.core.domain import outcome
from services.core.domain.pending import Pending
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger

SIZE: Final = 8
"""Connections; with more, transactions mostly wait for each other's rows, or deadlock."""
TIMEOUT_S: Final = 10.0


class Ledgers:
    """A pool of the product's own ledgers, each given one record at a time.

    Args:
        url: MySQL's address.
        arm: whose writers they are.
        first_slot: their slots begin there; no other writer has one of them.

    """

    def __init__(self, url: str, *, arm: str, first_slot: int) -> None:
        self.mysql = MySQL(url, timeout_s=TIMEOUT_S)
        self._arm = arm
        self._first_slot = first_slot
        self._free: asyncio.Queue[Ledger] = asyncio.Queue()

    def open(self) -> None:
        """Make them; each connects when it first writes."""
        for slot in range(self._first_slot, self._first_slot + SIZE):
            self._free.put_nowait(
                Ledger(self.mysql, arm=self._arm, slot=slot, timeout_s=TIMEOUT_S, outbox=False)
            )

    @asynccontextmanager
    async def stored(self, pending: Pending) -> AsyncIterator[outcome.Outcome]:
        """Store one record in a transaction of its own; the connection is held until the end."""
        ledger = await self._free.get()
        try:
            (what_became,) = await ledger.write([pending])
            yield what_became
        finally:
            self._free.put_nowait(ledger)

    async def close(self) -> None:
        """Close all connections."""
        while not self._free.empty():
            await self._free.get_nowait().close()
        await self.mysql.close()
