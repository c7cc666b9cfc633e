"""Bringing Redis back to what the ledger says: catching up, replaying, rebuilding."""

import asyncio
import logging
import time
from uuid import UUID, uuid4

from services.core.live.projection import Projection, State
from services.core.storage.outbox import NO_ID, Outbox, OutboxRow

KEEP_S = 600
"""How long outbox rows are kept after they are applied, in seconds."""

CHUNK = 2000
"""Records of the ledger that a rebuild looks at in one step."""

_PAGE = 200
_TOKEN_MS = 30_000
_POLL_S = 0.5
_log = logging.getLogger(__name__)


class Repair:
    """What is done when Redis may lack something. Raises what the stores raise.

    Args:
        projection: where to.
        outbox: where from.
        arm: whose records are projected.

    """

    def __init__(self, projection: Projection, outbox: Outbox, *, arm: str) -> None:
        self._projection = projection
        self._outbox = outbox
        self._arm = arm

    async def make_sure(self) -> None:
        """Return once everything committed before the call is in Redis, or in unapplied rows."""
        while not (state := await self._projection.state()).trusted:
            if state.complete and time.time() - state.seen_at < KEEP_S / 2:
                await self._replay(state)
            elif not await self.rebuild():
                await asyncio.sleep(_POLL_S)  # another writer is at it, or Redis changed under us

    async def catch_up(self, *, older_than_s: float) -> None:
        """Apply and mark the batches of some age that nobody has marked."""
        after = NO_ID
        while rows := await self._outbox.unapplied(after, _PAGE):
            after = rows[-1].batch_id
            old = [row for row in rows if row.age_s >= older_than_s]
            await self._give(old)
            await self._outbox.mark_applied([row.batch_id for row in old])
            if len(rows) < _PAGE:
                break

    async def rebuild(self, *, afresh: bool = False) -> bool:
        """Project the whole ledger, while others write to both; False if it must be done again.

        Args:
            afresh: first remove what is there. Without it nothing shown gets less meanwhile.

        """
        token = uuid4().hex
        if not await self._projection.begin_rebuild(token, _TOKEN_MS, steal=afresh):
            return False
        if afresh:
            await self._projection.forget(_TOKEN_MS)
        state = await self._projection.state()
        _log.info("rebuilding Redis from the ledger", extra={"arm": self._arm})
        after: UUID | None = NO_ID
        while after is not None:
            records, end = await self._outbox.chunk(after, CHUNK, self._arm)
            if end is not None and not await self._projection.add_chunk(
                records, end, token, _TOKEN_MS
            ):
                return False
            after = end
        done = await self._projection.finish_rebuild(token, state.run_id, time.time())
        if done:
            _log.info("Redis is rebuilt", extra={"arm": self._arm})
        else:
            await self._projection.give_up_rebuild(token)
        return done

    async def _replay(self, state: State) -> None:
        """Give a restarted Redis again what it may have lost: the batches still kept."""
        after = NO_ID
        while rows := await self._outbox.kept(after, _PAGE):
            await self._give(rows)
            after = rows[-1].batch_id
        await self._projection.trust(state.run_id, time.time())

    async def _give(self, rows: list[OutboxRow]) -> None:
        """Apply those of some batches that aren't there."""
        held = await self._projection.holds([row.record_ids[0] for row in rows])
        missing: list[UUID] = []
        for row, there in zip(rows, held, strict=True):
            if not there:
                missing += row.record_ids
            if len(missing) >= CHUNK:
                await self._projection.apply(await self._outbox.records(missing))
                missing = []
        await self._projection.apply(await self._outbox.records(missing))
