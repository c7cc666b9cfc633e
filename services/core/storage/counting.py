"""Whether a connection counts rows as the ledger needs it: those that were changed.

Which keys are free and which students are new is told from how many rows a statement affected. A
proxy in front of MySQL that speaks with CLIENT_FOUND_ROWS gets those that were found counted as
well: taken keys would look free, and records would be doubled.
"""

import asyncio
from uuid import uuid4

from services.core.storage import statements
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreAway
from services.core.storage.sessions import Session


async def connect_writer(mysql: MySQL, *, until: float) -> Session:
    """Open a session whose counts can be relied on.

    Args:
        mysql: where.
        until: when to give up, by the loop's clock.

    Raises:
        StoreAway: there is none in time, or it counts otherwise.
        StoreRefused: the server wouldn't be tried.

    """
    left = until - asyncio.get_running_loop().time()
    session = await mysql.connect(timeout_s=max(left, 0.001))
    row = [(uuid4(),)]
    try:
        new, again, _ = await session.run(
            statements.TRY_COUNT.fill(row),
            statements.TRY_COUNT.fill(row),
            statements.ROLLBACK.fill(),
            until=until,
        )
    except BaseException:
        session.abort()
        raise
    if (new.affected, again.affected) != (1, 0):
        session.abort()
        raise StoreAway(
            "what is between here and MySQL counts rows that didn't change (CLIENT_FOUND_ROWS):"
            " idempotency keys can't be kept through it"
        )
    return session
