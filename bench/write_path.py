"""The write path without HTTP: queue, batches and ledger in one process.

``python -m bench.write_path``: as many callers as the order has connections, each with its next
record when its last one is stored.
"""

import asyncio
import os
from itertools import cycle

from prometheus_client import CollectorRegistry

from bench.obeying import obey
from bench.orders import Order
from bench.rendering import COURSES, STUDENTS
from bench.tally import Tally
from loadtest.generate import records
from services.core.domain.ids import IdMaker
from services.core.domain.outcome import Stored
from services.core.domain.pending import Pending
from services.core.domain.record import make_record
from services.core.settings import WritingSettings
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.telemetry.metrics import WriteMetrics
from services.core.writing.batcher import Batcher

ARM = "write-path"
_SLOT = 255
_RECORDS = 20_000
_WIRE = {
    "carne": "student_id",
    "nombre": "student_name",
    "curso": "course",
    "nota": "grade",
    "semestre": "semester",
    "year": "year",
}


def some_records(seed: int, count: int = _RECORDS) -> list[dict[str, object]]:
    """Make realistic records, with the names they have inside."""
    rows = records(count, seed, students=STUDENTS, course_count=COURSES)
    return [{_WIRE[name]: value for name, value in row.items()} for row in rows]


class WritePath:
    """Callers of a batcher over a ledger."""

    def __init__(self, order: Order, tally: Tally) -> None:
        self._tally = tally
        self._mysql = MySQL(os.environ["MESHSPLIT_MYSQL_URL"])
        self._ledger = Ledger(self._mysql, arm=ARM, slot=_SLOT, timeout_s=5, outbox=False)
        usual = WritingSettings.model_construct()
        self._batcher = Batcher(
            self._ledger.write,
            queue_limit=usual.queue_limit,
            batch_limit=usual.batch_limit,
            linger_s=usual.batch_linger_ms / 1000,
            wait_limit_s=usual.wait_limit_s,
            metrics=WriteMetrics(CollectorRegistry(), queue_limit=usual.queue_limit),
            arm=ARM,
        )
        self._records = cycle([make_record(each) for each in some_records(order.seed)])
        self._new_id = IdMaker().new
        self._callers = order.connections
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    async def prepare(self) -> None:
        """Connect, with a look at the schema."""
        await self._ledger.check_schema()
        self._batcher.start()

    def start(self) -> None:
        """Let every caller begin."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._call()) for _ in range(self._callers)]

    def stop(self) -> None:
        """Let every caller end with the record it has."""
        self._ending = True

    @property
    def under_way(self) -> int:
        """How many callers wait."""
        return sum(not task.done() for task in self._tasks)

    async def close(self) -> None:
        """Stop the batcher and close the connections."""
        await self._batcher.drain(2)
        await self._ledger.close()
        await self._mysql.close()

    async def _call(self) -> None:
        while not self._ending:
            id_ = self._new_id()
            pending = Pending(id_, next(self._records), id_.hex, "")
            began = self._tally.clock()
            outcome = await self._batcher.submit(pending)
            stored = isinstance(outcome, Stored) and not outcome.repeated
            self._tally.count(f"201 {ARM}" if stored else "503", began)


if __name__ == "__main__":
    obey(WritePath)
