"""Which schema this program needs, and whether a database has it."""

from services.core.storage import statements
from services.core.storage.connections import MySQL
from services.core.storage.failures import SchemaTooOld, StoreRefused

REQUIRED_REVISION = "0001"
"""The oldest migration this program works on. Revisions are numbered upwards."""

_NO_SUCH_TABLE = 1146


async def check_schema(mysql: MySQL) -> None:
    """Make sure that the database is on a schema this program can use.

    A newer one is fine: each migration is safe for the version before it.

    Raises:
        SchemaTooOld: it isn't; the message says what to do.
        StoreAway: MySQL gave no answer.
        StoreRefused: MySQL refused to say.

    """
    try:
        rows = await mysql.fetch(statements.REVISION.fill())
    except StoreRefused as error:
        if error.code != _NO_SUCH_TABLE:
            raise
        rows = ()
    complain_if_too_old(str(rows[0][0]) if rows else None)


def complain_if_too_old(revision: str | None) -> None:
    """Compare a database's revision, None for no schema at all, with the one that is needed.

    Raises:
        SchemaTooOld: it is older.

    """
    if revision is None or int(revision) < int(REQUIRED_REVISION):
        found = "no schema" if revision is None else f"schema revision {revision}"
        raise SchemaTooOld(
            f"the database has {found}, revision {REQUIRED_REVISION} is needed: run `make migrate`"
        )
