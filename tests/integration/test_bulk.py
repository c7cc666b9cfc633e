"""Records put into the ledger in bulk are as if the services had stored them."""

import random

import pytest

from audit.servers.mariadb import MariaDB
from loadtest.bulk import Seed, fill
from services.core.domain.outcome import Stored
from services.core.domain.record import Record
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.storage.rollups import enrolment_key
from tests.grading import pending
from tests.recounting import assert_rollups_are_a_recount

ARMS = ("fastapi", "grpc")
COLUMNS = "student_id, student_name, course, grade, semester, year"


def seed(number: int = 1) -> Seed:
    return Seed(number, students=300, course_count=12, arms=ARMS)


async def test_rollups_and_enrolments_are_those_of_the_records_and_writing_goes_on_upon_them(
    empty_mysql_url: str, mariadb: MariaDB
) -> None:
    said: list[str] = []
    fill(empty_mysql_url, seed(), 20_000, say=said.append)
    assert said[0].startswith("20,000 records")
    assert_rollups_are_a_recount(mariadb)
    rows = mariadb.query(f"SELECT {COLUMNS} FROM records", "grades")  # noqa: S608 - the test's own
    assert len(rows) == 20_000
    kept = {bytes(key) for (key,) in mariadb.query("SELECT enrolment FROM enrolments", "grades")}
    records = [Record(*row) for row in rows]
    expected = {enrolment_key(r.year, r.semester, r.course, r.student_id) for r in records}
    assert kept == expected
    ids = {row[0] for row in mariadb.query("SELECT id FROM records", "grades")}
    made = {row[0] for row in mariadb.query("SELECT record_id FROM enrolments", "grades")}
    assert made <= ids

    mysql = MySQL(empty_mysql_url)
    ledger = Ledger(mysql, arm="fastapi", slot=0, timeout_s=5, outbox=True)
    again = [pending(record) for record in random.Random(3).sample(records, 200)]
    outcomes = await ledger.write(again)
    assert all(isinstance(outcome, Stored) for outcome in outcomes)
    assert_rollups_are_a_recount(mariadb)
    await ledger.close()
    await mysql.close()


def test_a_seed_is_not_put_into_a_ledger_twice(empty_mysql_url: str, mariadb: MariaDB) -> None:
    fill(empty_mysql_url, seed(5), 1_000, say=lambda _: None)
    with pytest.raises(ValueError, match="already"):
        fill(empty_mysql_url, seed(5), 1_000, say=lambda _: None)
    assert_rollups_are_a_recount(mariadb)
