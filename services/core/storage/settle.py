"""What became of records whose writer got no answer: the fence protocol.

A writer inserts its records, then looks for fences, then commits. Who wants to know sets and
commits fences first, then reads the records with a lock. If the insert came before that read, the
read waits until the writer has ended, and tells how. If it comes later, the writer's look finds
the fence, and it rolls back. So "not stored" stays true, however late the writer wakes up.

In a Galera cluster no lock reaches the node where the writer's COMMIT may be under way. So the ids
that weren't found are written and deleted again: of two transactions that write one id, Galera lets
the first commit and refuses the other.
"""

import asyncio
import contextlib
from collections.abc import Collection
from uuid import UUID

from services.core.storage import statements
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreFailure
from services.core.storage.sessions import Session

FENCES_KEPT_S = 24 * 3600
"""Far longer than any writer can sleep between its insert and its commit."""
_PAUSE_S = 0.1


async def settle(mysql: MySQL, ids: Collection[UUID], *, limit_s: float) -> dict[UUID, bool | None]:
    """Find out which records are stored, and make sure the others never will be.

    Args:
        mysql: where; a new connection is made.
        ids: the records.
        limit_s: when to give up, in seconds.

    Returns:
        For each id True: stored; False: never will be; None: undecided in that time.

    """
    if not ids:
        return {}
    loop = asyncio.get_running_loop()
    until = loop.time() + limit_s
    wanted = sorted(set(ids))
    while (left := until - loop.time()) > 0:
        try:
            return await _settle_once(mysql, wanted, until)
        except StoreFailure:
            await asyncio.sleep(min(_PAUSE_S, left))
    return dict.fromkeys(wanted, None)


async def _settle_once(mysql: MySQL, ids: list[UUID], until: float) -> dict[UUID, bool | None]:
    left = until - asyncio.get_running_loop().time()
    async with await mysql.connect(timeout_s=min(left, mysql.timeout_s)) as session:
        await session.run(
            statements.FENCE.fill([(each,) for each in ids]),
            statements.COMMIT.fill(),
            until=until,
        )
        stored = await _find(session, ids, until)
        if missing := [each for each in ids if each not in stored]:
            await session.run(
                statements.OCCUPY.fill([(each,) for each in missing]),
                statements.VACATE.look_for(missing),
                statements.COMMIT.fill(),
                until=until,
            )
        with contextlib.suppress(StoreFailure):  # the next one to settle prunes as well
            await session.run(
                statements.PRUNE_FENCES.fill(FENCES_KEPT_S), statements.COMMIT.fill(), until=until
            )
        return {each: each in stored for each in ids}


async def _find(session: Session, ids: list[UUID], until: float) -> set[UUID]:
    answers = await session.run(
        statements.FIND_RECORDS_LOCKED.look_for(ids), statements.ROLLBACK.fill(), until=until
    )
    return {UUID(row[0]) for row in answers[0].rows}
