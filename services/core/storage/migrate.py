"""Bring a database to this program's schema: ``python -m services.core.storage.migrate``.

``upgrade`` runs what is missing, ``check`` fails when something is, ``current`` says where the
database stands. The database is the one in ``MESHSPLIT_MYSQL_URL``.
"""

import argparse
import os
import sys
import time
from importlib import resources
from typing import Final
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from services.core.storage.address import Address, parse_address
from services.core.storage.failures import SchemaTooOld, StoreAway
from services.core.storage.schema import complain_if_too_old

SETTING: Final = "MESHSPLIT_MYSQL_URL"
WAIT_S: Final = 60.0
"""How long a database that isn't there yet is waited for, in seconds."""
_STATEMENT_S: Final = 600
"""Longest time one statement of a migration may take, in seconds."""
_PAUSE_S: Final = 0.5
_ACCESS_DENIED: Final = frozenset({1044, 1045, 1049, 1698})


def upgrade(url: str, *, wait_s: float = WAIT_S) -> None:
    """Run the migrations a database lacks, and give it an identity if it has none.

    A database on a newer schema is left as it is: each migration is safe for the version before.

    Raises:
        StoreAway: the database did not come up in time, or refuses the login.

    """
    engine = _engine(parse_address(url))
    with _wait_for(engine, url, wait_s) as connection:
        config = Config()
        config.set_main_option(
            "script_location", str(resources.files("services.core.storage") / "migrations")
        )
        config.attributes["connection"] = connection
        head = ScriptDirectory.from_config(config).get_current_head() or "0"
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and int(found) > int(head):
            _say(f"the database is on revision {found}, newer than this program's {head}: kept")
        else:
            command.upgrade(config, "head")
        connection.execute(
            text(
                "INSERT INTO ledger (only_row, id) VALUES (1, UNHEX(:id))"
                " ON DUPLICATE KEY UPDATE only_row = only_row"
            ),
            {"id": uuid4().hex},
        )
        connection.commit()


def current(url: str, *, wait_s: float = WAIT_S) -> str | None:
    """Say which revision a database is on, None for none.

    Raises:
        StoreAway: the database did not come up in time, or refuses the login.

    """
    with _wait_for(_engine(parse_address(url)), url, wait_s) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _engine(address: Address) -> Engine:
    host, port = address.hosts[0]
    return create_engine(
        URL.create(
            "mysql+pymysql",
            username=address.user,
            password=address.password,
            host=host,
            port=port,
            database=address.database,
            query={"charset": "utf8mb4"},
        ),
        connect_args={
            "connect_timeout": 5,
            "read_timeout": _STATEMENT_S,
            "write_timeout": _STATEMENT_S,
        },
        poolclass=NullPool,
    )


def _wait_for(engine: Engine, url: str, wait_s: float) -> Connection:
    until = time.monotonic() + wait_s
    said = False
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            code = error.orig.args[0] if error.orig is not None and error.orig.args else 0
            if code in _ACCESS_DENIED or time.monotonic() >= until:
                raise StoreAway(f"MySQL at {parse_address(url)}: {error.orig}") from None
            if not said:
                _say(f"waiting up to {wait_s:.0f} s for MySQL at {parse_address(url)}")
                said = True
        time.sleep(_PAUSE_S)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the process's status."""
    parser = argparse.ArgumentParser(prog="migrate", description=__doc__)
    parser.add_argument("action", choices=["upgrade", "check", "current"])
    parser.add_argument("--wait", type=float, default=WAIT_S, help="seconds to wait for MySQL")
    chosen = parser.parse_args(arguments)
    url = os.environ.get(SETTING, "")
    try:
        parse_address(url)
    except ValueError as error:
        _say(f"{SETTING}: {error}")
        return 2
    try:
        if chosen.action == "upgrade":
            upgrade(url, wait_s=chosen.wait)
        revision = current(url, wait_s=chosen.wait)
        if chosen.action == "check":
            complain_if_too_old(revision)
    except (SchemaTooOld, StoreAway) as error:
        _say(str(error))
        return 1
    _say(f"schema revision {revision or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
