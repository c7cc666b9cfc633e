"""What the stores hold, read in one go and without a service's help."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec
import pymysql
import redis

from audit.history import Values

READ_LIMIT_S = 120
SCAN = 2000
Course = tuple[int, str, str]
"""Year, semester, course."""
Student = tuple[int, str, str]
"""Year, semester and the student's id; year 0 and no semester are of all time."""


class Stored(NamedTuple):
    """A row of the ledger."""

    id: str
    values: Values
    arm: str


class Marks(NamedTuple):
    """What is kept of a student, in a semester or of all time."""

    name: str
    grades: int
    records: int


@dataclass
class Rollups:
    """Every figure that is kept beside the records; `recount` makes the same from the records."""

    grades: Counter[tuple[Course, int, str]] = field(default_factory=Counter)
    """Records by course, grade and arm."""
    students: Counter[Course] = field(default_factory=Counter)
    """Distinct students by course."""
    enrolments: Counter[tuple[Course, str]] = field(default_factory=Counter)
    """One for each student in each course."""
    marks: dict[Student, Marks] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    """Records by arm."""


@dataclass
class Ledger:
    """All of MySQL."""

    records: list[Stored]
    keys: dict[str, str]
    """The id of the record that has each idempotency key."""
    rollups: Rollups
    unapplied: int
    """Batches in the outbox that aren't known to be in Redis."""


@dataclass
class Live:
    """All of Redis that belongs to the ledger."""

    records: dict[str, Values]
    students: dict[Course, frozenset[str]]
    complete: bool


def connect(url: str) -> Any:
    """Open a connection to the ledger that waits for no answer longer than a bound."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
        charset="utf8mb4",
        connect_timeout=5,
        read_timeout=READ_LIMIT_S,
    )


def read_ledger(url: str) -> Ledger:
    """Read everything in one consistent look; raises pymysql.Error."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:

        def rows(statement: str) -> tuple[tuple[Any, ...], ...]:
            cursor.execute(statement)
            return tuple(cursor.fetchall())

        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        records = [
            Stored(str(UUID(row[0])), Values(*row[1:7]), row[7])
            for row in rows(
                "SELECT HEX(id), student_id, student_name, course, grade, semester, year, arm"
                " FROM records"
            )
        ]
        keys = rows("SELECT idem_key, HEX(record_id) FROM idempotency_keys")
        rollups = Rollups()
        for year, semester, course, grade, arm, count in rows(
            "SELECT year, semester, course, grade, arm, SUM(records) FROM course_grades"
            " GROUP BY year, semester, course, grade, arm"
        ):
            rollups.grades[(year, semester, course), grade, arm] = int(count)
        for year, semester, course, count in rows(
            "SELECT year, semester, course, SUM(students) FROM course_students"
            " GROUP BY year, semester, course"
        ):
            rollups.students[year, semester, course] = int(count)
        for year, semester, course, student, count in rows(
            "SELECT year, semester, course, student_id, COUNT(*) FROM enrolments"
            " LEFT JOIN records ON records.id = record_id"
            " GROUP BY year, semester, course, student_id"
        ):
            rollups.enrolments[(year, semester, course), student] = count
        for year, semester, student, *marks in rows(
            "SELECT year, semester, student_id, student_name, grade_sum, records FROM students"
        ):
            rollups.marks[year, semester, student] = Marks(*marks)
        rollups.totals.update(
            {a: int(n) for a, n in rows("SELECT arm, SUM(records) FROM record_totals GROUP BY arm")}
        )
        ((unapplied,),) = rows("SELECT COUNT(*) FROM outbox WHERE applied_at IS NULL")
        return Ledger(records, {k: str(UUID(v)) for k, v in keys}, rollups, int(unapplied))


def read_live(redis_url: str, mysql_url: str) -> Live:
    """Read all of Redis under the ledger's id; raises redis.RedisError and pymysql.Error."""
    with closing(connect(mysql_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT HEX(id) FROM ledger")
        prefix = f"grades:{cursor.fetchall()[0][0].lower()}"
    with redis.Redis.from_url(redis_url, socket_timeout=READ_LIMIT_S) as client:
        kept: dict[bytes, bytes] = client.hgetall(f"{prefix}:records")
        students: dict[Course, frozenset[str]] = {}
        for key in client.scan_iter(match=f"{prefix}:students:*", count=SCAN):
            year, semester, course = key.decode().removeprefix(f"{prefix}:students:").split("\t")
            members: set[bytes] = client.smembers(key)
            students[int(year), semester, course] = frozenset(m.decode() for m in members)
        complete = client.hexists(f"{prefix}:state", "complete")
    records = {
        str(UUID(bytes=id_)): Values(*msgspec.msgpack.decode(packed))
        for id_, packed in kept.items()
    }
    return Live(records, students, bool(complete))
