"""Whether a connection counts rows as the ledger needs it: those that were changed.

Which keys are free and which students are new is told from how many rows a statement affected. A
proxy in front of MySQL that speaks with CLIENT_FOUND_ROWS gets those that were found counted as
well: taken keys would look free, and records would be doubled.
"""

from uuid import uuid4

from services.core.storage import statements
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreAway
from services.core.storage.sessions import Session


async def connect_writer(mysql: MySQL, timeout_s: float) -> Session:
    """Open a session whose counts can be relied on.

    Raises:
        StoreAway: there is none in time, or it counts otherwise.
        StoreRefused: the server wouldn't be tried.

    """
    session = await mysql.connect(timeout_s=timeout_s)
    row = [(uuid4(),)]
    try:
        new, again, _ = await session.run(
            statements.TRY_COUNT.fill(row),
            statements.TRY_COUNT.fill(row),
            statements.ROLLBACK.fill(),
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
