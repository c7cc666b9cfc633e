"""A MariaDB of one's own."""

import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pymysql

from audit.servers.program import START_S, Program, free_port, own_by_lesser_user

_SQL: Final = Path("/usr/share/mysql")
_SYSTEM_TABLES: Final = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")


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


def _bootstrap(server: list[str]) -> None:
    """Have a server make its own tables, in files that it has not used before."""
    sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    sql += "".join((_SQL / name).read_text() for name in _SYSTEM_TABLES)
    subprocess.run(
        [*server, "--bootstrap", "--log-warnings=0"],
        input=sql.encode(),
        check=True,
        capture_output=True,
        timeout=START_S,
    )
