"""What a batch of records adds to the rollups; pure, so that it can be held against a recount."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from uuid import UUID

from services.core.domain.pending import Pending

ALL_TIME = (0, "")
"""Year and semester of the student rows that count everything; no record can have these."""

RANK_SCALE = 10**16
"""Averages that differ at all get different ranks up to 10^8 records a student: two fractions
with denominators n and m differ by at least 1/(n·m)."""

Rows = list[tuple[int | str | bytes | UUID, ...]]


class Rollups:
    """The rows to add for one batch, each kind sorted by its key so that writers queue in order.

    Args:
        winners: the records that will be stored, with ids of their own.
        arm: the arm of those that name none.
        slot: the writer's slot.

    """

    def __init__(self, winners: Sequence[Pending], *, arm: str, slot: int) -> None:
        self._slot = slot
        grades: Counter[tuple[int, str, str, int, str]] = Counter()
        totals: Counter[str] = Counter()
        students: dict[tuple[int, str, str], list[int | str]] = {}
        enrolments: dict[bytes, tuple[UUID, tuple[int, str, str, str]]] = {}
        for each in winners:
            record, by = each.record, each.arm or arm
            year, semester, course = record.year, record.semester, record.course
            grades[(year, semester, course, record.grade, by)] += 1
            totals[by] += 1
            enrolment = enrolment_key(year, semester, course, record.student_id)
            if enrolment not in enrolments:
                enrolments[enrolment] = (each.id, (year, semester, course, by))
            _add_student(students, (year, semester, record.student_id), each)
            _add_student(students, (*ALL_TIME, record.student_id), each)
        self._enrolments = enrolments
        self.course_grades: Rows = [(*key, slot, grades[key]) for key in sorted(grades)]
        self.totals: Rows = [(by, slot, totals[by]) for by in sorted(totals)]
        self.students: Rows = [
            (*key, name, total, count, -(int(total) * RANK_SCALE // int(count)))
            for key, (name, total, count) in sorted(students.items())
        ]
        self.enrolments: Rows = [(key, enrolments[key][0]) for key in sorted(enrolments)]

    @property
    def enrolment_keys(self) -> Collection[bytes]:
        """The keys of the batch's enrolments."""
        return self._enrolments.keys()

    def course_students(self, theirs: Iterable[bytes] = ()) -> Rows:
        """Count the students new to their courses.

        Args:
            theirs: keys of enrolments that another record had made before.

        """
        old = frozenset(theirs)
        new = Counter(course for key, (_, course) in self._enrolments.items() if key not in old)
        return [(*course, self._slot, new[course]) for course in sorted(new)]


def enrolment_key(year: int, semester: str, course: str, student_id: str) -> bytes:
    """Name an enrolment in 20 bytes: four of its course, for locality, and sixteen of it all.

    The fields joined by a control character, which none of them can hold, are told apart.
    """
    of_course = f"{year}\0{semester}\0{course}".encode()
    place = blake2b(of_course, digest_size=4)
    whole = blake2b(of_course + b"\0" + student_id.encode(), digest_size=16)
    return place.digest() + whole.digest()


def _add_student(
    students: dict[tuple[int, str, str], list[int | str]],
    key: tuple[int, str, str],
    pending: Pending,
) -> None:
    record = pending.record
    row = students.get(key)
    if row is None:
        students[key] = [record.student_name, record.grade, 1]
        return
    row[0] = min(str(row[0]), record.student_name)
    row[1] = int(row[1]) + record.grade
    row[2] = int(row[2]) + 1
