"""Fill a ledger with millions of records at once: ``python -m loadtest.bulk`` (`make seed-large`).

The records go past the services, file by file into the tables, and the rollups are added up here
as the services would have: the same keys, the same statements, a slot of their own. It takes
minutes where the services' way takes an hour. What is there already stays and goes on counting.
Interrupted, it leaves records without rollups: `make reset` then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from array import array
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pymysql

from loadtest.generate import (
    FIRST_YEAR,
    SEMESTER_WEIGHTS,
    SEMESTERS,
    YEARS,
    Student,
    courses,
    grade,
    student,
)
from services.core.domain.ids import IdMaker
from services.core.storage import statements
from services.core.storage.address import Address, parse_address
from services.core.storage.rollups import ALL_TIME, RANK_SCALE, enrolment_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.core.storage.sql import Listed, Value

SLOT: Final = 255
"""The rollups' slot: no replica that takes its slot from its name has it."""
FIRST_STUDENT: Final = 1_000_000
"""Numbers from here on are nobody's in smaller data of the same seed."""
CHUNK: Final = 250_000
ROWS_AT_ONCE: Final = 4_000
_RANDOM_BITS: Final = 62
_STEP_BITS: Final = 24
_TERMS: Final = [(FIRST_YEAR + year, name) for year in range(YEARS) for name in SEMESTERS]
_LOAD: Final = "LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} CHARACTER SET utf8mb4 {columns}"
_RECORD: Final = (
    "(@id, student_id, student_name, course, grade, semester, year, arm)"
    " SET id = UNHEX(@id), stored_at = UTC_TIMESTAMP(6)"
)
_ENROLMENT: Final = "(@key, @id) SET enrolment = UNHEX(@key), record_id = UNHEX(@id)"


class Seed:
    """What is drawn, and what it adds up to.

    Args:
        seed: the same seed gives the same records, but for their ids.
        students: how many there are.
        course_count: how many courses.
        arms: the arms that are said to have stored them, in equal shares.

    """

    def __init__(self, seed: int, students: int, course_count: int, arms: Sequence[str]) -> None:
        self._roll = random.Random(seed)
        self._students = [student(seed, FIRST_STUDENT + number) for number in range(students)]
        self._courses = courses(seed, course_count)
        self._arms = list(arms)
        self._zipf = list(accumulate(1 / rank for rank in range(1, course_count + 1)))
        self._terms = list(accumulate(SEMESTER_WEIGHTS * YEARS))
        self._grades = array("Q", bytes(8 * len(_TERMS) * course_count * len(arms) * 101))
        self._sums = array("Q", bytes(8 * len(_TERMS) * students))
        self._counts = array("Q", bytes(8 * len(_TERMS) * students))
        self._enrolled = bytearray(len(_TERMS) * course_count * students // 8 + 1)
        self._newcomers = array("Q", bytes(8 * len(_TERMS) * course_count * len(arms)))
        self._next_id = IdMaker().new().int >> _RANDOM_BITS << _RANDOM_BITS

    def draw(self, count: int) -> Iterator[tuple[str, str | None]]:
        """Yield a record's line, and its enrolment's where it is the first of its kind."""
        roll, students, arms = self._roll, self._students, self._arms
        who = roll.choices(range(len(students)), k=count)
        what = roll.choices(range(len(self._courses)), cum_weights=self._zipf, k=count)
        when = roll.choices(range(len(_TERMS)), cum_weights=self._terms, k=count)
        whose = roll.choices(range(len(arms)), k=count)
        for number, course, term, arm in zip(who, what, when, whose, strict=True):
            someone, (code, mean) = students[number], self._courses[course]
            points = grade(roll, mean + someone.ability)
            self._next_id += 1 + roll.getrandbits(_STEP_BITS)
            year, semester = _TERMS[term]
            record_id = f"{self._next_id:032X}"
            place = (term * len(self._courses) + course) * len(arms) + arm
            self._grades[place * 101 + points] += 1
            self._sums[term * len(students) + number] += points
            self._counts[term * len(students) + number] += 1
            line = (
                f"{record_id}\t{_text(someone.carne)}\t{_text(someone.name)}\t{code}\t{points}"
                f"\t{semester}\t{year}\t{arms[arm]}\n"
            )
            bit = (term * len(self._courses) + course) * len(students) + number
            if self._enrolled[bit >> 3] >> (bit & 7) & 1:
                yield line, None
                continue
            self._enrolled[bit >> 3] |= 1 << (bit & 7)
            self._newcomers[place] += 1
            key = enrolment_key(year, semester, code, someone.carne).hex().upper()
            yield line, f"{key}\t{record_id}\n"

    def rollups(self) -> Iterator[tuple[Listed, Iterator[tuple[Value, ...]]]]:
        """Yield each rollup's statement with its rows, in the order of their keys."""
        yield statements.COUNT_GRADES, self._course_grades()
        yield statements.COUNT_COURSE_STUDENTS, self._course_students()
        yield statements.RANK_STUDENTS, self._ranked()
        yield statements.COUNT_RECORDS, self._totals()

    def _course_grades(self) -> Iterator[tuple[Value, ...]]:
        for at, count in enumerate(self._grades):
            if count:
                place, points = divmod(at, 101)
                year, semester, code, arm = self._named(place)
                yield year, semester, code, points, arm, SLOT, count

    def _course_students(self) -> Iterator[tuple[Value, ...]]:
        for place, count in enumerate(self._newcomers):
            if count:
                yield *self._named(place), SLOT, count

    def _ranked(self) -> Iterator[tuple[Value, ...]]:
        population = len(self._students)
        for number, someone in enumerate(self._students):
            rows = range(number, len(self._counts), population)
            total, count = (sum(of[at] for at in rows) for of in (self._sums, self._counts))
            if count:
                yield _rank(ALL_TIME, someone, total, count)
        for at, count in enumerate(self._counts):
            if count:
                term, number = divmod(at, population)
                yield _rank(_TERMS[term], self._students[number], self._sums[at], count)

    def _totals(self) -> Iterator[tuple[Value, ...]]:
        width = len(self._arms) * 101
        for number, arm in enumerate(self._arms):
            starts = range(number * 101, len(self._grades), width)
            yield arm, SLOT, sum(sum(self._grades[start : start + 101]) for start in starts)

    def _named(self, place: int) -> tuple[int, str, str, str]:
        pair, arm = divmod(place, len(self._arms))
        term, course = divmod(pair, len(self._courses))
        return (*_TERMS[term], self._courses[course].code, self._arms[arm])


def fill(url: str, seed: Seed, count: int, *, say: Any = print) -> None:
    """Put so many records of a seed into a ledger, with all that belongs to them.

    Raises:
        ValueError: the ledger holds a seed's students already.
        pymysql.err.MySQLError: MySQL refused something, or went away.

    """
    with _connected(parse_address(url)) as cursor, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _refuse_twice(cursor, seed)
        began = time.monotonic()
        with (folder / "enrolments").open("w") as enrolments:
            for start in range(0, count, CHUNK):
                with (folder / "records").open("w", encoding="utf-8") as lines:
                    for line, enrolment in seed.draw(min(CHUNK, count - start)):
                        lines.write(line)
                        if enrolment:
                            enrolments.write(enrolment)
                _load(cursor, folder / "records", "records", _RECORD)
                say(f"{min(start + CHUNK, count):,} records, {time.monotonic() - began:.0f} s")
        _load_sorted(cursor, folder / "enrolments")
        say(f"enrolments, {time.monotonic() - began:.0f} s")
        for statement, rows in seed.rollups():
            while some := list(islice(rows, ROWS_AT_ONCE)):
                cursor.execute(statement.fill(some))
                cursor.execute("COMMIT")
            table = statement.text.split()[2]
            say(f"{table}, {time.monotonic() - began:.0f} s")


def _refuse_twice(cursor: Any, seed: Seed) -> None:
    carnes = [each.carne for each in islice(seed._students, 1000)]  # noqa: SLF001 - its own module
    places = ",".join(["%s"] * len(carnes))
    cursor.execute(
        f"SELECT COUNT(*) FROM students WHERE year = 0 AND student_id IN ({places})",  # noqa: S608 - places only
        carnes,
    )
    if cursor.fetchone()[0]:
        raise ValueError("the ledger holds these students already: another --seed, or `make reset`")


def _load_sorted(cursor: Any, file: Path) -> None:
    """Load enrolments in the order of their keys: in any other, each row is a page of its own."""
    command = ["sort", "-S", "512M", "-T", str(file.parent), "-o", str(file), str(file)]
    subprocess.run(command, check=True, timeout=1800, env=os.environ | {"LC_ALL": "C"})  # noqa: S603 - the system's sort
    part = file.with_suffix(".part")
    with file.open() as lines:
        while some := list(islice(lines, CHUNK)):
            part.write_text("".join(some))
            _load(cursor, part, "enrolments", _ENROLMENT)


def _load(cursor: Any, file: Path, table: str, columns: str) -> None:
    cursor.execute(_LOAD.format(file=file, table=table, columns=columns))
    cursor.execute("COMMIT")


@contextlib.contextmanager
def _connected(address: Address) -> Iterator[Any]:
    (host, port), *_ = address.hosts
    connection: Any = pymysql.connect(
        host=host,
        port=port,
        user=address.user,
        password=address.password,
        database=address.database,
        charset="utf8mb4",
        local_infile=True,
        connect_timeout=10,
        read_timeout=600,
        write_timeout=600,
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        yield cursor


def _rank(term: tuple[int, str], someone: Student, total: int, count: int) -> tuple[Value, ...]:
    rank = -(total * RANK_SCALE // count)
    return (*term, someone.carne, someone.name, total, count, rank)


def _text(value: str) -> str:
    return value.replace("\\", "\\\\")


def main(arguments: Iterable[str] | None = None) -> int:
    """Fill the ledger at MESHSPLIT_MYSQL_URL."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.bulk", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000, help="how many (10 million)")
    parser.add_argument("--students", type=int, default=200_000, help="of how many students")
    parser.add_argument("--courses", type=int, default=400, help="in how many courses")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same records")
    parser.add_argument("--arm", action="append", required=True, help="an arm; give each of them")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    try:
        seed = Seed(asked.seed, asked.students, asked.courses, asked.arm)
        fill(os.environ["MESHSPLIT_MYSQL_URL"], seed, asked.records)
    except (KeyError, ValueError, pymysql.err.MySQLError) as error:
        sys.stderr.write(f"The ledger was not filled: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
