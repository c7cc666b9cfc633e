import time

import pytest

from audit.servers.mariadb import MariaDB
from audit.servers.program import free_port
from services.core.storage import migrate, statements
from services.core.storage.connections import MySQL
from services.core.storage.failures import SchemaTooOld, StoreAway
from services.core.storage.schema import REQUIRED_REVISION, check_schema


def test_a_schema_is_made_once_and_keeps_its_identity(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mariadb.query("CREATE DATABASE fresh")
    monkeypatch.setenv(migrate.SETTING, mariadb.url("fresh"))
    assert migrate.main(["current"]) == 0
    assert "schema revision none" in capsys.readouterr().err
    assert migrate.main(["check"]) == 1
    assert "run `make migrate`" in capsys.readouterr().err
    assert migrate.main(["upgrade"]) == 0
    identity = mariadb.query(statements.LEDGER_ID.fill(), "fresh")
    assert len(identity) == 1
    assert migrate.main(["upgrade"]) == 0
    assert migrate.main(["check"]) == 0
    assert mariadb.query(statements.LEDGER_ID.fill(), "fresh") == identity


def test_an_older_program_leaves_a_newer_schema_as_it_is(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mariadb.query("CREATE DATABASE newer")
    url = mariadb.url("newer")
    monkeypatch.setenv(migrate.SETTING, url)
    assert migrate.main(["upgrade"]) == 0
    mariadb.query("UPDATE alembic_version SET version_num = '9999'", "newer")
    capsys.readouterr()

    assert migrate.main(["upgrade"]) == 0
    assert "newer than this program's" in capsys.readouterr().err
    assert migrate.main(["check"]) == 0
    assert migrate.current(url) == "9999"


async def test_a_service_says_which_revision_it_needs(mariadb: MariaDB, mysql_url: str) -> None:
    mariadb.query("CREATE DATABASE bare")
    with pytest.raises(SchemaTooOld, match=f"no schema, revision {REQUIRED_REVISION} is needed"):
        await _check(mariadb.url("bare"))
    mariadb.query("CREATE TABLE alembic_version (version_num VARCHAR(32))", "bare")
    mariadb.query("INSERT INTO alembic_version VALUES ('0000')", "bare")
    with pytest.raises(SchemaTooOld, match="schema revision 0000"):
        await _check(mariadb.url("bare"))
    mariadb.query("UPDATE alembic_version SET version_num = '9999'", "bare")
    await _check(mariadb.url("bare"))
    await _check(mysql_url)


async def _check(url: str) -> None:
    mysql = MySQL(url)
    try:
        await check_schema(mysql)
    finally:
        await mysql.close()


def test_a_database_that_is_not_there_is_waited_for_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = free_port()
    started = time.monotonic()
    with pytest.raises(StoreAway, match=str(port)):
        migrate.current(f"mysql://root:@127.0.0.1:{port}/grades", wait_s=1)
    assert 1 <= time.monotonic() - started < 5
    assert f"waiting up to 1 s for MySQL at 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(migrate.SETTING, raising=False)
    assert migrate.main(["upgrade"]) == 2
    assert migrate.SETTING in capsys.readouterr().err


@pytest.mark.usefixtures("mysql_url")
def test_every_text_column_compares_code_points(mariadb: MariaDB) -> None:
    columns = mariadb.query(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'grades' AND collation_name IS NOT NULL"
        " AND table_name <> 'alembic_version'"
    )
    assert columns
    assert {collation for _, _, collation in columns} == {"utf8mb4_bin"}


@pytest.mark.usefixtures("empty_mysql_url")
@pytest.mark.parametrize("term", [(0, ""), (2002, "slider")])
def test_the_best_students_are_read_from_an_index_even_when_all_tie(
    mariadb: MariaDB, term: tuple[int, str]
) -> None:
    rows = ",".join(
        f"({term[0]}, '{term[1]}', 's{n:05}', 'n{n % 50:03}', 100, 1, -{10**18})"
        for n in range(3000)
    )
    mariadb.query(f"INSERT INTO students VALUES {rows}", "grades")  # noqa: S608  # of the test's own values
    mariadb.query("ANALYZE TABLE students", "grades")
    query = statements.TOP_STUDENTS.fill(*term, 5)
    plan = mariadb.query(f"EXPLAIN {query}", "grades")[0]
    assert "ranking" in plan
    assert "filesort" not in str(plan)
    names = [row[:2] for row in mariadb.query(query, "grades")]
    assert names == [(f"s{n * 50:05}", "n000") for n in range(5)]
    examined = mariadb.query(f"ANALYZE {query}", "grades")[0]
    assert float(examined[10 - 1]) <= 5
