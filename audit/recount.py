"""Every figure counted anew from the records alone, in the plainest way there is."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from audit.ledger import Course, Live, Marks, Rollups, Stored, Student

ALL_TIME = (0, "")
TOP_COURSES, TOP_STUDENTS, MANY = 3, 5, 100


def recount(records: Sequence[Stored]) -> Rollups:
    """Count what the rollups should say."""
    found = Rollups()
    marks: dict[Student, Marks] = {}
    for _, values, arm in records:
        course = (values.year, values.semester, values.course)
        found.grades[course, values.grade, arm] += 1
        found.enrolments[course, values.student_id] = 1
        found.totals[arm] += 1
        for when in ((values.year, values.semester), ALL_TIME):
            student = (*when, values.student_id)
            before = marks.get(student, Marks(values.student_name, 0, 0))
            marks[student] = Marks(
                min(before.name, values.student_name),
                before.grades + values.grade,
                before.records + 1,
            )
    found.marks = marks
    found.students = Counter(course for course, _ in found.enrolments)
    return found


def live_of(records: Sequence[Stored], arms: frozenset[str]) -> Live:
    """Say what Redis should hold: the records of those arms."""
    students: defaultdict[Course, set[str]] = defaultdict(set)
    mine = [each for each in records if each.arm in arms]
    for _, values, _ in mine:
        students[values.year, values.semester, values.course].add(values.student_id)
    return Live(
        {each.id: each.values for each in mine},
        {course: frozenset(ids) for course, ids in students.items()},
        complete=True,
    )


def charts(records: Sequence[Stored], arms: Sequence[str], pass_mark: int) -> dict[str, Any]:
    """Say what each chart's path should answer, below /api/v1."""
    counted = recount(records)
    courses = sorted(counted.students)
    semesters = sorted({course[:2] for course in courses})
    expected: dict[str, Any] = {
        "semesters": [{"year": year, "semester": name} for year, name in semesters],
        "records/count": {
            "total": len(records),
            "arms": dict.fromkeys(arms, 0) | dict(counted.totals),
        },
    }
    for limit in (TOP_STUDENTS, MANY):
        expected[f"students/top?limit={limit}"] = _best(counted, ALL_TIME, limit)
    for when in semesters:
        asked = urlencode({"year": when[0], "semester": when[1]}, quote_via=quote)
        of_it = [
            {"course": course[2], "students": counted.students[course]}
            for course in courses
            if course[:2] == when
        ]
        top = sorted(of_it, key=lambda each: (-int(str(each["students"])), str(each["course"])))
        expected[f"courses?{asked}"] = of_it
        expected[f"courses/top?{asked}&limit={TOP_COURSES}"] = top[:TOP_COURSES]
        expected[f"students/top?{asked}&limit={MANY}"] = _best(counted, when, MANY)
        for course in courses:
            if course[:2] == when:
                path = f"courses/{quote(course[2], safe='')}/results?{asked}"
                expected[path] = _results(counted, course, pass_mark)
    return expected


def _results(counted: Rollups, course: Course, pass_mark: int) -> dict[str, Any]:
    passed = failed = 0
    for (of, grade, _), count in counted.grades.items():
        if of == course:
            passed += count * (grade >= pass_mark)
            failed += count * (grade < pass_mark)
    year, semester, name = course
    return {"course": name, "year": year, "semester": semester, "passed": passed, "failed": failed}


def _best(counted: Rollups, when: tuple[int, str], limit: int) -> list[dict[str, Any]]:
    of_it = [(student[2], marks) for student, marks in counted.marks.items() if student[:2] == when]
    of_it.sort(key=lambda each: (-each[1].grades / each[1].records, each[1].name, each[0]))
    return [
        {
            "student_id": student,
            "student_name": marks.name,
            "average": marks.grades / marks.records,
            "records": marks.records,
        }
        for student, marks in of_it[:limit]
    ]
