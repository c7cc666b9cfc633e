"""MySQL's multi-row insert alone: ``python -m bench.insert``.

One connection, one statement and one COMMIT a batch; a batch has as many records as the order has
connections. No keys, no figures for the charts: the floor under the write path.
"""

import asyncio
import os
from itertools import cycle
from typing import TYPE_CHECKING

from bench.obeying import obey
from bench.orders import Order
from bench.tally import Tally
from bench.write_path import some_records
from services.core.domain.ids import IdMaker
from services.core.storage import statements
from services.core.storage.connections import MySQL

if TYPE_CHECKING:
    from services.core.storage.sessions import Session

ARM = "insert"


class Insert:
    """Inserts batches one after the other."""

    def __init__(self, order: Order, tally: Tally) -> None:
        self._tally = tally
        self._size = order.connections
        self._mysql = MySQL(os.environ["MESHSPLIT_MYSQL_URL"])
        self._session: Session | None = None
        rows = [tuple(each.values()) for each in some_records(order.seed)]
        self._rows = cycle([tuple(v for v in row if isinstance(v, (str, int))) for row in rows])
        self._new_id = IdMaker().new
        self._task: asyncio.Task[None] | None = None
        self._ending = False

    async def prepare(self) -> None:
        """Connect."""
        self._session = await self._mysql.connect()

    def start(self) -> None:
        """Begin to insert."""
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    def stop(self) -> None:
        """End with the batch under way."""
        self._ending = True

    @property
    def under_way(self) -> int:
        """How many records are under way."""
        return self._size if self._task is not None and not self._task.done() else 0

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.abort()

    async def _go_on(self) -> None:
        assert self._session is not None  # noqa: S101 - prepared before it is started
        while not self._ending:
            rows = [(self._new_id(), *next(self._rows), ARM) for _ in range(self._size)]
            began = self._tally.clock()
            insert = statements.INSERT_RECORDS.fill(rows)
            await self._session.run(insert, statements.COMMIT.fill())
            for _ in rows:
                self._tally.count(f"201 {ARM}", began)


if __name__ == "__main__":
    obey(Insert)
