"""A batch's way into the ledger: tries, halves where a record doesn't fit, and settling."""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from services.core.domain.outcome import NotStored, Outcome, Stored, Unknown
from services.core.domain.pending import Pending, traces_of
from services.core.storage.failures import StoreAway, StoreFailure, StoreRefused
from services.core.storage.folding import Folded, Owner, compare
from services.core.storage.sessions import Session
from services.core.storage.transaction import CommitUnanswered, Fenced, Written, read_owners
from services.core.telemetry.traces import current_span

if TYPE_CHECKING:
    from services.core.storage.ledger import Ledger

RETRIES = 3
"""How often a deadlock, a lock's time-out or a lost idle connection is tried again."""
_BUSY = frozenset({1205, 1213})
"""Lock wait timeout, deadlock: another writer was in the way, and it may work now."""
_DUPLICATE = 1062
_UNFIT = frozenset({1048, 1153, 1264, 1292, 1366, 1406, 1690, 3988})
"""Errors that a single record's values cause."""

_log = logging.getLogger(__name__)


class BatchWriting:
    """One batch's way through the ledger.

    Args:
        ledger: whose connection and settings are used.
        until: when to give up, by the loop's clock.

    """

    def __init__(self, ledger: "Ledger", until: float) -> None:
        self._ledger = ledger
        self._until = until
        self._retries = RETRIES
        self._outcomes: dict[UUID, Outcome] = {}
        self._owners: dict[UUID, Owner] = {}

    async def write(self, batch: Sequence[Pending]) -> list[Outcome]:
        """Give each record's outcome, in order."""
        folded = Folded(batch)
        await self._store(folded.firsts)
        return folded.answer(self._outcomes, self._owners)

    async def _store(self, pendings: list[Pending]) -> None:
        """Try until each of these has an outcome."""
        while pendings:
            batch_id = self._ledger.new_batch_id()
            try:
                written = await self._try(pendings, batch_id)
            except CommitUnanswered as error:
                await self._settle(pendings, error, batch_id)
                return
            except Fenced as error:
                self._give_up([each for each in pendings if each.id in error.ids], "given up")
                pendings = [each for each in pendings if each.id not in error.ids]
            except (StoreAway, StoreRefused, UnicodeEncodeError) as error:
                if len(pendings) > 1 and _is_unfit(error):
                    middle = len(pendings) // 2
                    await self._store(pendings[:middle])
                    pendings = pendings[middle:]
                    continue
                left = await self._without_stored(pendings) if _is_repeat(error) else pendings
                if len(left) == len(pendings) and not await self._worth_another_try(error):
                    self._refuse(pendings, error)
                    return
                pendings = left
            else:
                self._ledger.note(None)
                self._accept(pendings, written)
                self._ledger.committed(batch_id, written.winners)
                return

    async def _try(self, pendings: list[Pending], batch_id: UUID) -> Written:
        session = await self._ledger.session(self._until)
        try:
            return await self._ledger.transaction(session, self._until, batch_id).write(pendings)
        except (Fenced, StoreRefused):
            await self._roll_back(session)
            raise
        except BaseException:
            session.abort()
            raise

    async def _roll_back(self, session: Session) -> None:
        try:
            await session.run("ROLLBACK", until=self._until)
        except StoreFailure:
            session.abort()  # the server rolls back when it sees that the connection is gone

    async def _worth_another_try(self, error: Exception) -> bool:
        loop = asyncio.get_running_loop()
        fit = isinstance(error, StoreAway) or (
            isinstance(error, StoreRefused) and error.code in _BUSY | {_DUPLICATE}
        )
        if not fit or self._retries == 0 or loop.time() >= self._until:
            return False
        self._retries -= 1
        if (span := current_span()) is not None:
            kind = str(error.code) if isinstance(error, StoreRefused) else type(error).__name__
            span.add_event("retry", {"error.type": kind, "meshsplit.retries.left": self._retries})
        # Two that deadlocked must not meet again at the same moment.
        await asyncio.sleep(random.uniform(0.001, 0.02) * (RETRIES - self._retries))  # noqa: S311 # no secret
        return True

    async def _without_stored(self, pendings: list[Pending]) -> list[Pending]:
        """Answer for records whose ids are stored already: their sender repeats itself."""
        try:
            session = await self._ledger.session(self._until)
            stored = await read_owners(session, [each.id for each in pendings], self._until)
            await self._roll_back(session)
        except (StoreAway, StoreRefused):
            return pendings
        for each in pendings:
            if each.id in stored:
                self._outcomes[each.id] = compare(each, stored[each.id])
        return [each for each in pendings if each.id not in stored]

    def _accept(self, pendings: list[Pending], written: Written) -> None:
        for each in pendings:
            if each.id in written.owners:
                owner = written.owners[each.id]
                self._outcomes[each.id] = compare(each, owner)
                if owner is not None:
                    self._owners[each.id] = owner
            else:
                self._outcomes[each.id] = Stored(each.id, self._ledger.arm_of(each))

    async def _settle(
        self, pendings: list[Pending], error: CommitUnanswered, batch_id: UUID
    ) -> None:
        ids = [each.id for each in error.winners]
        verdict = (await self._ledger.settle(ids))[ids[0]]  # one transaction: all share it
        _log.warning(
            "a COMMIT got no answer",
            extra={
                "reason": str(error),
                "records": len(ids),
                "stored": verdict,
                "traces": traces_of(pendings),
            },
        )
        written = Written(error.winners, error.owners)
        self._accept(pendings, written)
        if verdict:
            self._ledger.committed(batch_id, error.winners)
            return
        for each in ids:
            self._outcomes[each] = (
                Unknown() if verdict is None else NotStored("the database did not commit")
            )

    def _refuse(self, pendings: list[Pending], error: Exception) -> None:
        if isinstance(error, StoreFailure):
            self._ledger.note(error)
        if _is_repeat(error):  # some id is stored, and it couldn't be seen whose
            self._outcomes |= dict.fromkeys((each.id for each in pendings), Unknown())
            return
        busy = isinstance(error, StoreRefused) and error.code in _BUSY
        away = isinstance(error, StoreAway)
        self._give_up(
            pendings,
            "the database is busy"
            if busy
            else "the database is away"
            if away
            else "the database refused it",
        )

    def _give_up(self, pendings: list[Pending], reason: str) -> None:
        for each in pendings:
            self._outcomes[each.id] = NotStored(reason)


def _is_repeat(error: Exception) -> bool:
    return isinstance(error, StoreRefused) and error.code == _DUPLICATE


def _is_unfit(error: Exception) -> bool:
    return isinstance(error, UnicodeEncodeError) or (
        isinstance(error, StoreRefused) and error.code in _UNFIT
    )
