"""Real stores for tests: a private MariaDB and a private Redis, gone when the tests are."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql
import pytest

from services.core.storage.migrate import upgrade

_START_S = 60.0
_SQL = Path("/usr/share/mysql")
_SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")


class Program:
    """A server process that a test may stop, let go on, kill and start again."""

    def __init__(self, command: list[str], folder: Path, is_up: Callable[[], bool]) -> None:
        self.command = command
        self._folder = folder
        self._is_up = is_up
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder
            )
        until = time.monotonic() + _START_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError((self._folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def pause(self) -> None:
        """Stop it without ending it: its sockets stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._signal(signal.SIGTERM)
        assert self._process is not None
        self._process.wait(timeout=_START_S)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class MariaDB:
    """A private MariaDB, in a folder that holds its files already or is new."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        data = folder / "data"
        is_new = not data.exists()
        folder.mkdir(mode=0o700, exist_ok=True)
        data.mkdir(exist_ok=True)
        user = own_by_lesser_user(folder)
        as_user = [f"--user={user}"] if user else []
        base = ["mariadbd", "--no-defaults", *as_user, f"--datadir={data}", f"--tmpdir={folder}"]
        small = ["--innodb-log-file-size=32M", "--innodb-buffer-pool-size=64M"]
        if is_new:
            _bootstrap([*base, *small])
        listen = [f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        files = [f"--socket={folder}/s", f"--pid-file={folder}/pid"]
        self.program = Program([*base, *small, *listen, *files, *options], folder, self._is_up)

    def url(self, database: str) -> str:
        """Say where a database is."""
        return f"mysql://root:@127.0.0.1:{self.port}/{database}"

    def query(self, statement: str, database: str | None = None) -> tuple[tuple[Any, ...], ...]:
        """Run a statement as root, on a connection of its own."""
        with (
            closing(
                pymysql.connect(
                    host="127.0.0.1",
                    port=self.port,
                    user="root",
                    password="",
                    database=database,
                    autocommit=True,
                    connect_timeout=5,
                    read_timeout=20,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return tuple(cursor.fetchall())

    def _is_up(self) -> bool:
        try:
            self.query("SELECT 1")
        except pymysql.err.OperationalError:
            return False
        return True


class RedisServer:
    """A private Redis that writes nothing by itself; a test saves when it wants to."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        folder.mkdir(mode=0o700)
        listen = ["--port", str(self.port), "--bind", "127.0.0.1"]
        self.program = Program(
            ["redis-server", *listen, "--save", "", "--dir", str(folder), *options],
            folder,
            self.answers_at(self.port),
        )

    @property
    def url(self) -> str:
        """Say where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    @staticmethod
    def answers_at(port: int) -> Callable[[], bool]:
        """Make a question: does a Redis or a Sentinel answer at this port?"""

        def answers() -> bool:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.settimeout(1)
                    connection.sendall(b"PING\r\n")
                    return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False

        return answers


def free_port() -> int:
    """Find a port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def own_by_lesser_user(folder: Path) -> str | None:
    """Give a folder and all in it to a lesser user if this runs as root, and name them."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_name


def _bootstrap(server: list[str]) -> None:
    """Have a server make its own tables, in files that it has not used before."""
    sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    sql += "".join((_SQL / name).read_text() for name in _SYSTEM_TABLES)
    subprocess.run(
        [*server, "--bootstrap", "--log-warnings=0"],
        input=sql.encode(),
        check=True,
        capture_output=True,
        timeout=_START_S,
    )
