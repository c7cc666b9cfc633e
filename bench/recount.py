"""Every chart held against the records themselves, counted anew by the database without rollups."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from services.core.storage.connections import MySQL

_TIMEOUT_S: Final = 900.0
"""Ten million records without an index for it are read in minutes, on a busy machine."""
_MOST: Final = 100
_COURSES: Final = (
    "SELECT year, semester, course, COUNT(DISTINCT student_id), SUM(grade >= {mark}),"
    " SUM(grade < {mark}) FROM records GROUP BY year, semester, course"
)
_ARMS: Final = "SELECT arm, COUNT(*) FROM records GROUP BY arm"
_STUDENTS: Final = (
    "SELECT student_id, MIN(student_name), SUM(grade), COUNT(*) FROM records {where}"
    " GROUP BY student_id"
    " ORDER BY SUM(grade) * 1e0 / COUNT(*) DESC, MIN(student_name), student_id LIMIT {most}"
)

Chart = tuple[str, Any]
"""A path below the API, and what it should answer."""


def wrong_charts(mysql_url: str, api: str, pass_mark: int) -> tuple[int, list[str]]:
    """Compare each chart with a recount, while nobody writes; tell how many, and the wrong."""
    expected = asyncio.run(_recount(mysql_url, pass_mark))
    with httpx.Client(base_url=api, timeout=60) as client:
        wrong = [
            f"{path} isn't what a recount gives"
            for path, right in expected
            if client.get(path).raise_for_status().json() != right
        ]
    return len(expected), wrong


async def _recount(mysql_url: str, pass_mark: int) -> list[Chart]:
    mysql = MySQL(mysql_url, timeout_s=_TIMEOUT_S)
    try:
        courses = await mysql.fetch(_COURSES.format(mark=int(pass_mark)))
        arms = {str(arm): int(count) for arm, count in await mysql.fetch(_ARMS)}
        charts = [
            *_of_courses(courses),
            ("/records/count", {"total": sum(arms.values()), "arms": arms}),
        ]
        charts.append((f"/students/top?limit={_MOST}", await _best(mysql, "")))
        for year, semester in sorted({(row[0], row[1]) for row in courses}):
            where = f"WHERE year = {int(year)} AND semester = X'{semester.encode().hex()}'"
            path = f"/students/top?{_term(year, semester)}&limit={_MOST}"
            charts.append((path, await _best(mysql, where)))
        return charts
    finally:
        await mysql.close()


async def _best(mysql: MySQL, where: str) -> list[dict[str, Any]]:
    rows = await mysql.fetch(_STUDENTS.format(where=where, most=_MOST))
    return [
        {
            "student_id": student,
            "student_name": name,
            "average": int(grades) / count,
            "records": count,
        }
        for student, name, grades, count in rows
    ]


def _of_courses(rows: tuple[Any, ...]) -> Iterator[Chart]:
    semesters = defaultdict(list)
    for year, semester, course, students, passed, failed in rows:
        semesters[year, semester].append({"course": course, "students": students})
        yield (
            f"/courses/{quote(course, safe='')}/results?{_term(year, semester)}",
            {
                "course": course,
                "year": year,
                "semester": semester,
                "passed": int(passed),
                "failed": int(failed),
            },
        )
    yield "/semesters", [{"year": year, "semester": name} for year, name in sorted(semesters)]
    for (year, semester), of_it in semesters.items():
        by_name = sorted(of_it, key=lambda each: each["course"])
        yield f"/courses?{_term(year, semester)}", by_name
        top = sorted(by_name, key=lambda each: -each["students"])[:_MOST]
        yield f"/courses/top?{_term(year, semester)}&limit={_MOST}", top


def _term(year: int, semester: str) -> str:
    return urlencode({"year": year, "semester": semester}, quote_via=quote)
