"""The rows that a batch of records adds to each table; pure, so that a recount can check it.

Rows are literals, ready to be strung together: a batch's texts are what the write path spends most
of its own time on, and a value that is in five rows is quoted once.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from services.core.domain.pending import Pending
from services.core.storage.rollups import ALL_TIME, RANK_SCALE, enrolment_key
from services.core.storage.sql import quote

_Student = tuple[str, str, int, int]
"""A student's name, its literal, the sum of the grades and their number."""
_NAMES_KEPT = 4096
_quote_often = lru_cache(_NAMES_KEPT)(quote)
"""For what there are few of: courses, semesters, arms."""
_ALL_TIME = f"{ALL_TIME[0]},{quote(ALL_TIME[1])}"


class BatchRows:
    """Each kind sorted by its key, so that writers queue in order.

    Args:
        winners: the records that will be stored, with ids of their own.
        arm: the arm of those that name none.
        slot: the writer's slot.

    """

    def __init__(self, winners: Sequence[Pending], *, arm: str, slot: int) -> None:
        self._slot = slot
        records: list[str] = []
        ids: list[str] = []
        grades: dict[str, int] = {}
        totals: dict[str, int] = {}
        students: dict[str, _Student] = {}
        enrolments: dict[bytes, tuple[str, str]] = {}
        for each in winners:
            record, by = each.record, _quote_often(each.arm or arm)
            hex_ = f"{each.id.int:032x}"
            ids.append(hex_)
            who, name = quote(record.student_id), quote(record.student_name)
            course, semester = _quote_often(record.course), _quote_often(record.semester)
            grade, year = record.grade, record.year
            records.append(
                f"(X'{hex_}',{who},{name},{course},{grade},{semester},{year},{by},UTC_TIMESTAMP(6))"
            )
            term = f"{year},{semester}"
            graded = f"{term},{course},{grade},{by}"
            grades[graded] = grades.get(graded, 0) + 1
            totals[by] = totals.get(by, 0) + 1
            enrolment = enrolment_key(year, record.semester, record.course, record.student_id)
            if enrolment not in enrolments:
                enrolments[enrolment] = (hex_, f"{term},{course},{by}")
            student = (record.student_name, name, grade, 1)
            for key in (f"{term},{who}", f"{_ALL_TIME},{who}"):
                known = students.get(key)
                students[key] = student if known is None else _with(known, student)
        self._enrolments = enrolments
        self.ids = ids
        """In hexadecimal."""
        self.records = records
        self.enrolments = [
            f"(X'{key.hex()}',X'{enrolments[key][0]}')" for key in sorted(enrolments)
        ]
        self.course_grades = [f"({key},{slot},{grades[key]})" for key in sorted(grades)]
        self.students = [_ranked(key, students[key]) for key in sorted(students)]
        self.totals = [f"({by},{slot},{totals[by]})" for by in sorted(totals)]

    @property
    def enrolment_keys(self) -> Collection[bytes]:
        """The keys of the batch's enrolments."""
        return self._enrolments.keys()

    def course_students(self, theirs: Iterable[bytes] = ()) -> list[str]:
        """Count the students new to their courses.

        Args:
            theirs: keys of enrolments that another record had made before.

        """
        return self._by_course(self._enrolments.keys() - frozenset(theirs), 1)

    def not_new(self, theirs: Iterable[bytes]) -> list[str]:
        """Take back what counting all of them as new was too much."""
        return self._by_course(theirs, -1)

    def _by_course(self, enrolments: Iterable[bytes], step: int) -> list[str]:
        counts: dict[str, int] = {}
        for key in enrolments:
            course = self._enrolments[key][1]
            counts[course] = counts.get(course, 0) + step
        return [f"({course},{self._slot},{counts[course]})" for course in sorted(counts)]


def _with(known: _Student, more: _Student) -> _Student:
    name, quoted = min(known[:2], more[:2])
    return name, quoted, known[2] + more[2], known[3] + more[3]


def _ranked(key: str, student: _Student) -> str:
    _, name, total, count = student
    return f"({key},{name},{total},{count},{-(total * RANK_SCALE // count)})"
