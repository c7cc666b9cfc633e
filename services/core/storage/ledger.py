"""The ledger: stores batches of records exactly once, and says of each what became of it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import msgspec
from opentelemetry.trace import SpanContext

from services.core.domain.ids import IdMaker
from services.core.domain.outcome import NotStored, Outcome
from services.core.domain.pending import Pending
from services.core.storage import schema
from services.core.storage.batch_writing import BatchWriting
from services.core.storage.connections import MySQL
from services.core.storage.counting import connect_writer
from services.core.storage.failures import StoreFailure
from services.core.storage.sessions import Session
from services.core.storage.settle import settle
from services.core.storage.transaction import Expectation, Transaction
from services.core.telemetry.pools import Connections
from services.core.telemetry.traces import current_span

_log = logging.getLogger(__name__)


class CommittedBatch(msgspec.Struct, frozen=True):
    """What one transaction added to the ledger."""

    batch_id: UUID
    records: list[Pending]
    span: SpanContext | None = None
    """The span under which it was committed, where that is traced."""


class Ledger:
    """Writes through one connection of its own, one transaction at a time.

    Args:
        mysql: where.
        arm: the arm of records that name none.
        slot: this writer's number; readers sum over slots, so that writers share no hot row.
        timeout_s: bound for the tries at a batch, in seconds; and once more for settling.
        outbox: whether each transaction leaves a row for the live projection.

    """

    def __init__(
        self, mysql: MySQL, *, arm: str, slot: int, timeout_s: float, outbox: bool
    ) -> None:
        self._mysql = mysql
        self._arm = arm
        self._slot = slot
        self._timeout_s = timeout_s
        self._outbox = outbox
        self._session: Session | None = None
        self._turn = asyncio.Lock()
        self._ids = IdMaker()
        self._expected = Expectation()
        self._away = False
        self.on_committed: Callable[[CommittedBatch], None] | None = None
        """Told of every batch after its commit; must not block."""

    async def check_schema(self) -> None:
        """Make sure the database's schema is one this program can use, and that it can write.

        Raises:
            SchemaTooOld: it isn't; the message says what to run.
            StoreAway, StoreRefused: MySQL did not say, or can't be written to safely.

        """
        await schema.check_schema(self._mysql)
        until = asyncio.get_running_loop().time() + self._timeout_s
        (await connect_writer(self._mysql, until=until)).abort()

    async def write(self, batch: Sequence[Pending]) -> list[Outcome]:
        """Store a batch in one transaction; give each record's outcome, in order.

        Trouble with the store is an outcome, never an exception.
        """
        until = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(until):
                await self._turn.acquire()
        except TimeoutError:
            return [NotStored("the database is busy")] * len(batch)
        try:
            return await BatchWriting(self, until).write(batch)
        finally:
            self._turn.release()

    async def settle(self, ids: Collection[UUID]) -> dict[UUID, bool | None]:
        """Find out what became of records, and fence those that aren't stored, for ever.

        Returns:
            True: stored; False: never will be; None: undecided in time.

        """
        return await settle(self._mysql, ids, limit_s=self._timeout_s)

    def connections(self) -> Connections:
        """Say whether the writer's connection is in use: it is the bound of what can be stored."""
        return Connections(int(self._turn.locked()), 1)

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.abort()
            self._session = None

    async def session(self, until: float) -> Session:
        """Give the writer's connection, a new one if the last was lost.

        Raises:
            StoreAway: there is none to be had in time, or none that can be relied on.
            StoreRefused: the server takes no writes.

        """
        if self._session is None or not self._session.usable:
            self._session = await connect_writer(self._mysql, until=until)
        return self._session

    def transaction(self, session: Session, until: float, batch_id: UUID) -> Transaction:
        """Start on a transaction with this writer's arm and slot."""
        return Transaction(
            session,
            until=until,
            arm=self._arm,
            slot=self._slot,
            batch_id=batch_id if self._outbox else None,
            expected=self._expected,
        )

    def new_batch_id(self) -> UUID:
        """Make an id for a batch; they sort by time."""
        return self._ids.new()

    def arm_of(self, pending: Pending) -> str:
        """Say which arm a record came through."""
        return pending.arm or self._arm

    def committed(self, batch_id: UUID, winners: list[Pending]) -> None:
        """Tell whoever follows the ledger."""
        if self.on_committed is not None and winners:
            span = current_span()
            context = None if span is None else span.get_span_context()
            self.on_committed(CommittedBatch(batch_id, winners, context))

    def note(self, trouble: StoreFailure | None) -> None:
        """Log when the store goes away and when it is back, not each batch in between."""
        if trouble is not None and not self._away:
            _log.warning("MySQL does not take records", extra={"reason": str(trouble)})
        elif trouble is None and self._away:
            _log.info("MySQL takes records again")
        self._away = trouble is not None
