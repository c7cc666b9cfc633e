"""The rollups held against the records, counted by the database itself."""

from typing import Final

from audit.servers.mariadb import MariaDB

_COURSE: Final = "year, semester, course"
_STUDENT: Final = "year, semester, student_id"
_MARKS: Final = "MIN(student_name), SUM(grade), COUNT(*)"
_KEPT_MARKS: Final = "MIN(student_name), SUM(grade_sum), SUM(records)"
_PAIRS: Final = (
    (f"{_COURSE}, grade, arm", "SUM(records)", "course_grades", "COUNT(*)"),
    (_COURSE, "SUM(students)", "course_students", "COUNT(DISTINCT student_id)"),
    (_STUDENT, _KEPT_MARKS, "students WHERE year <> 0", _MARKS),
    ("student_id", _KEPT_MARKS, "students WHERE year = 0", _MARKS),
    ("arm", "SUM(records)", "record_totals", "COUNT(*)"),
)
"""What is counted by, how the rollup says it and where, and how the records do."""


def assert_rollups_are_a_recount(server: MariaDB, database: str = "grades") -> None:
    """Fail naming the first rollup that isn't what the records add up to."""
    for columns, kept, table, counted in _PAIRS:
        rollup = f"SELECT {columns}, {kept} FROM {table} GROUP BY {columns}"  # noqa: S608 - the tests' own
        records = f"SELECT {columns}, {counted} FROM records GROUP BY {columns}"  # noqa: S608 - as above
        assert set(server.query(rollup, database)) == set(server.query(records, database)), table
