"""What the reporter asks the ledger: exact when it is asked, and cheap at any size."""

from typing import NamedTuple
from uuid import UUID

from services.core.storage import statements
from services.core.storage.connections import MySQL
from services.core.storage.failures import SchemaTooOld
from services.core.storage.rollups import ALL_TIME


class Semester(NamedTuple):
    """A year and a semester in it."""

    year: int
    semester: str


class CourseStudents(NamedTuple):
    """A course and its distinct students."""

    course: str
    students: int


class StudentAverage(NamedTuple):
    """A student, named by the smallest of the names sent, and the average of all their grades."""

    student_id: str
    student_name: str
    average: float
    records: int


class Readings:
    """Answers from the rollups.

    Every method raises StoreAway when MySQL gives no answer in time, StoreRefused when it refuses.
    """

    def __init__(self, mysql: MySQL) -> None:
        self._mysql = mysql

    async def semesters(self) -> list[Semester]:
        """List the semesters that have records, by year, then name."""
        rows = await self._mysql.fetch(statements.SEMESTERS.fill())
        return [Semester(int(year), str(semester)) for year, semester in rows]

    async def courses(self, year: int, semester: str) -> list[CourseStudents]:
        """List a semester's courses by name, with their distinct students."""
        rows = await self._mysql.fetch(statements.COURSES.fill(year, semester))
        return [CourseStudents(str(course), int(students)) for course, students in rows]

    async def course_grades(self, course: str, year: int, semester: str) -> dict[int, int]:
        """Count a course's records in a semester by grade; grades nobody got are left out."""
        rows = await self._mysql.fetch(statements.COURSE_GRADES.fill(year, semester, course))
        return {int(grade): int(records) for grade, records in rows}

    async def top_courses(self, year: int, semester: str, limit: int) -> list[CourseStudents]:
        """List a semester's courses with most students; ties by name."""
        rows = await self._mysql.fetch(statements.TOP_COURSES.fill(year, semester, limit))
        return [CourseStudents(str(course), int(students)) for course, students in rows]

    async def top_students(
        self, limit: int, year: int | None = None, semester: str | None = None
    ) -> list[StudentAverage]:
        """List the best averages, of a semester or of all time; ties by name, then id.

        Raises:
            ValueError: only one of year and semester was given.

        """
        if (year is None) != (semester is None):
            raise ValueError("year and semester go together")
        of_year, of_semester = ALL_TIME if year is None or semester is None else (year, semester)
        rows = await self._mysql.fetch(statements.TOP_STUDENTS.fill(of_year, of_semester, limit))
        return [
            StudentAverage(str(student_id), str(name), int(total) / int(records), int(records))
            for student_id, name, total, records in rows
        ]

    async def count_by_arm(self) -> dict[str, int]:
        """Count the ledger's records by arm."""
        rows = await self._mysql.fetch(statements.COUNT_BY_ARM.fill())
        return {str(arm): int(records) for arm, records in rows}

    async def pending_batches(self) -> int:
        """Count the batches that aren't known to be in Redis."""
        rows = await self._mysql.fetch(statements.COUNT_UNAPPLIED.fill())
        return int(rows[0][0])

    async def ledger_id(self) -> UUID:
        """Give the ledger's identity, which what is derived from it carries.

        Raises:
            SchemaTooOld: it has none yet.

        """
        rows = await self._mysql.fetch(statements.LEDGER_ID.fill())
        if not rows:
            raise SchemaTooOld("the ledger has no id yet: run `make migrate`")
        return UUID(rows[0][0])
