"""Real stores for tests: a private MariaDB and a private Redis, gone when the tests are."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from audit.servers.mariadb import MariaDB
from audit.servers.redis_server import RedisServer
from services.core.storage.migrate import upgrade


@pytest.fixture(scope="session")
def store_folder() -> Iterator[Path]:
    """A folder that a lesser user can reach, unlike one below root's home."""
    folder = Path(tempfile.mkdtemp(prefix="meshsplit-stores-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb(store_folder: Path) -> Iterator[MariaDB]:
    """The tests' MariaDB."""
    server = MariaDB(store_folder / "mariadb")
    server.program.start()
    yield server
    server.program.kill()


@pytest.fixture(scope="session")
def redis_server(store_folder: Path) -> Iterator[RedisServer]:
    """The tests' Redis."""
    server = RedisServer(store_folder / "redis")
    server.program.start()
    yield server
    server.program.kill()


@pytest.fixture(scope="session")
def mysql_url(mariadb: MariaDB) -> str:
    """A database with the schema, shared by all tests of a run."""
    mariadb.query("CREATE DATABASE grades")
    upgrade(mariadb.url("grades"))
    return mariadb.url("grades")


@pytest.fixture(scope="session")
def redis_url(redis_server: RedisServer) -> str:
    """A Redis, shared by all tests of a run."""
    return redis_server.url


@pytest.fixture
def empty_mysql_url(mariadb: MariaDB, mysql_url: str) -> str:
    """The shared database, emptied, under another ledger's id."""
    name = urlsplit(mysql_url).path.lstrip("/")
    for (table,) in mariadb.query("SHOW TABLES", name):
        if table not in {"alembic_version", "ledger"}:
            mariadb.query(f"DELETE FROM `{table}`", name)  # noqa: S608  # of the test's own values
    mariadb.query("UPDATE ledger SET id = UNHEX(REPLACE(UUID(), '-', ''))", name)
    return mysql_url
