"""What the ledger says, for charts: each answer is read from it when it is asked for."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError

from services.core.domain.record import TEXT_MAX, YEAR_MAX, YEAR_MIN
from services.core.storage.readings import Readings
from services.reporter import problems
from services.reporter.answers import (
    CourseResults,
    CourseStudents,
    RecordCount,
    Semester,
    StudentAverage,
)
from services.reporter.escaped_paths import unescape_segment

YearParameter = Annotated[
    int, Query(ge=YEAR_MIN, le=YEAR_MAX, description="the year of the semester")
]
SemesterParameter = Annotated[
    str, Query(min_length=1, max_length=TEXT_MAX, description="the semester, as it was sent")
]
CourseSegment = Annotated[
    str,
    Path(description="the course, as one percent-encoded segment: a slash in it is `%2F`"),
]


def charts(readings: Readings, *, arms: Callable[[], Sequence[str]]) -> APIRouter:
    """Make the routes that read the whole ledger.

    Args:
        readings: the ledger.
        arms: gives the names of the arms there are, for those that have stored nothing yet.

    """
    router = APIRouter(tags=["charts"], responses=problems.DESCRIBED)

    @router.get("/semesters", summary="Semesters with records, by year")
    async def semesters() -> list[Semester]:
        found = await readings.semesters()
        return [Semester(year=each.year, semester=each.semester) for each in found]

    @router.get("/students/top", summary="The best averages, of a semester or of all time")
    async def top_students(
        year: Annotated[int | None, Query(ge=YEAR_MIN, le=YEAR_MAX)] = None,
        semester: Annotated[str | None, Query(min_length=1, max_length=TEXT_MAX)] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 5,
    ) -> list[StudentAverage]:
        _both_or_neither(year, semester)
        if semester is not None and not _storable(semester):
            return []
        found = await readings.top_students(limit, year, semester)
        return [
            StudentAverage(
                student_id=each.student_id,
                student_name=each.student_name,
                average=each.average,
                records=each.records,
            )
            for each in found
        ]

    @router.get("/records/count", summary="How many records the ledger holds, by arm")
    async def count() -> RecordCount:
        stored = await readings.count_by_arm()
        return RecordCount(total=sum(stored.values()), arms=dict.fromkeys(arms(), 0) | stored)

    return router


def course_charts(readings: Readings, *, pass_mark: int) -> APIRouter:
    """Make the routes about courses in a semester.

    Args:
        readings: the ledger.
        pass_mark: least grade that passes.

    """
    router = APIRouter(prefix="/courses", tags=["charts"], responses=problems.DESCRIBED)

    @router.get("", summary="A semester's courses and their distinct students")
    async def courses(year: YearParameter, semester: SemesterParameter) -> list[CourseStudents]:
        if not _storable(semester):
            return []
        found = await readings.courses(year, semester)
        return [CourseStudents(course=course, students=students) for course, students in found]

    @router.get("/top", summary="The courses with the most distinct students")
    async def top_courses(
        year: YearParameter,
        semester: SemesterParameter,
        limit: Annotated[int, Query(ge=1, le=100)] = 3,
    ) -> list[CourseStudents]:
        if not _storable(semester):
            return []
        found = await readings.top_courses(year, semester, limit)
        return [CourseStudents(course=course, students=students) for course, students in found]

    @router.get("/{course}/results", summary="How many records of a course passed")
    async def results(
        course: CourseSegment, year: YearParameter, semester: SemesterParameter
    ) -> CourseResults:
        name = _course_name(course)
        grades: dict[int, int] = {}
        if _storable(name) and _storable(semester):
            grades = await readings.course_grades(name, year, semester)
        passed = sum(count for grade, count in grades.items() if grade >= pass_mark)
        failed = sum(grades.values()) - passed
        return CourseResults(
            course=name, year=year, semester=semester, passed=passed, failed=failed
        )

    return router


def _storable(text: str) -> bool:
    """Tell whether a record can hold this text.

    The database compares texts as if blanks at their end were not there; no record ends in one,
    so such a text is not the one it would find.
    """
    return not text.endswith(" ")


def _course_name(segment: str) -> str:
    try:
        return unescape_segment(segment)
    except UnicodeDecodeError:
        raise _wrong("path", "course", "expected percent-encoded UTF-8", segment) from None


def _both_or_neither(year: int | None, semester: str | None) -> None:
    if year is None and semester is not None:
        raise _wrong("query", "year", "expected together with semester, or neither", None)
    if semester is None and year is not None:
        raise _wrong("query", "semester", "expected together with year, or neither", None)


def _wrong(where: str, name: str, message: str, value: object) -> RequestValidationError:
    return RequestValidationError(
        [{"type": "value_error", "loc": (where, name), "msg": message, "input": value}]
    )
