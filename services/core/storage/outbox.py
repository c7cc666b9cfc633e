"""What the live projection reads of the ledger: batches to apply, and records by id or in order."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from services.core.domain.record import Record
from services.core.storage import statements
from services.core.storage.connections import MySQL
from services.core.storage.sessions import Row
from services.core.storage.transaction import split_ids, to_record

NO_ID = UUID(int=0)
"""Before every id."""

_MICROSECONDS = 1e6


class StoredRecord(msgspec.Struct, frozen=True):
    """A record of the ledger."""

    id: UUID
    record: Record


class OutboxRow(msgspec.Struct, frozen=True):
    """A committed batch that the projection is told of."""

    batch_id: UUID
    record_ids: list[UUID]
    age_s: float
    """Since its commit, by MySQL's clock, in seconds."""


class Outbox:
    """The outbox and the records behind it.

    Every method raises StoreAway when MySQL gives no answer in time, StoreRefused when it refuses.
    """

    def __init__(self, mysql: MySQL) -> None:
        self._mysql = mysql

    async def unapplied(self, after: UUID, limit: int) -> list[OutboxRow]:
        """Read batches that aren't marked as applied, in order, from one on."""
        return [
            _row(row) for row in await self._mysql.fetch(statements.UNAPPLIED.fill(after, limit))
        ]

    async def kept(self, after: UUID, limit: int) -> list[OutboxRow]:
        """Read batches that are still kept, applied or not, in order, from one on."""
        return [_row(row) for row in await self._mysql.fetch(statements.KEPT.fill(after, limit))]

    async def mark_applied(self, batch_ids: Collection[UUID]) -> None:
        """Note that batches are in the projection."""
        if batch_ids:
            await self._mysql.run(statements.MARK_APPLIED.look_for(sorted(batch_ids)))

    async def prune(self, keep_s: int) -> None:
        """Forget some of the batches that were applied longer ago than that, in seconds."""
        await self._mysql.run(statements.PRUNE_OUTBOX.fill(keep_s))

    async def records(self, ids: Sequence[UUID]) -> list[StoredRecord]:
        """Read records by id."""
        if not ids:
            return []
        return _records(await self._mysql.fetch(statements.READ_RECORDS.look_for(ids)))

    async def chunk(
        self, after: UUID, size: int, arm: str
    ) -> tuple[list[StoredRecord], UUID | None]:
        """Read an arm's records among the next so many of the ledger, and the last one's id.

        The id is None at the ledger's end, as it is now.
        """
        rows = await self._mysql.fetch(statements.CHUNK_END.fill(after, size - 1))
        if not rows:
            rows = await self._mysql.fetch(statements.LAST_ID.fill())
        if not rows or UUID(rows[0][0]) <= after:
            return [], None
        end = UUID(rows[0][0])
        return _records(await self._mysql.fetch(statements.CHUNK.fill(after, end, arm))), end

    async def first_id(self) -> UUID | None:
        """Give the ledger's first id, None while it is empty."""
        rows = await self._mysql.fetch(statements.FIRST_ID.fill())
        return UUID(rows[0][0]) if rows else None


def _row(row: Row) -> OutboxRow:
    batch_id, record_ids, age = row
    return OutboxRow(UUID(batch_id), split_ids(record_ids), int(age) / _MICROSECONDS)


def _records(rows: Sequence[Row]) -> list[StoredRecord]:
    return [StoredRecord(UUID(row[0]), to_record(row[1:7])) for row in rows]
