"""What a batch adds to each table, against a recount of its records."""

import re
from ast import literal_eval
from collections import Counter, defaultdict
from fractions import Fraction
from random import Random
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given

from services.core.domain.pending import Pending
from services.core.domain.record import Record
from services.core.storage.batch_rows import BatchRows
from services.core.storage.rollups import ALL_TIME, enrolment_key

few = st.sampled_from(["a", "b", "A", "á", "\U0001d49c", "a b", "O'Neil", '"', "\\", "\\'),("])
records = st.builds(
    Record,
    student_id=few,
    student_name=few,
    course=few,
    grade=st.integers(0, 100),
    semester=few,
    year=st.sampled_from([1900, 2002, 2200]),
)
batches = st.lists(
    st.tuples(records, st.sampled_from([None, "grpc", "rust"])), min_size=1, max_size=40
).map(
    lambda rows: [
        Pending(id=UUID(int=number), record=record, key=None, request_id="", arm=arm)
        for number, (record, arm) in enumerate(rows)
    ]
)


def values(rows: list[str]) -> list[tuple[Any, ...]]:
    """Read rows of literals: but for an X, SQL's are Python's here."""
    return [literal_eval(re.sub(r"(?<=[(,])X'", "'", row)) for row in rows]


@given(batches)
def test_each_record_has_a_row_in_the_order_it_came_in(batch: list[Pending]) -> None:
    rows = BatchRows(batch, arm="fastapi", slot=0)
    found = values([row.replace(",UTC_TIMESTAMP(6))", ")") for row in rows.records])
    assert found == [
        (
            each.id.hex,
            each.record.student_id,
            each.record.student_name,
            each.record.course,
            each.record.grade,
            each.record.semester,
            each.record.year,
            each.arm or "fastapi",
        )
        for each in batch
    ]
    assert rows.ids == [each.id.hex for each in batch]


@given(batches)
def test_grades_and_totals_are_counted_by_arm(batch: list[Pending]) -> None:
    rollups = BatchRows(batch, arm="fastapi", slot=7)
    grades = Counter(
        (p.record.year, p.record.semester, p.record.course, p.record.grade, p.arm or "fastapi", 7)
        for p in batch
    )
    assert {row[:6]: row[6] for row in values(rollups.course_grades)} == dict(grades)
    totals = Counter((p.arm or "fastapi", 7) for p in batch)
    assert {row[:2]: row[2] for row in values(rollups.totals)} == dict(totals)


@given(batches)
def test_each_student_has_a_row_a_semester_and_one_for_all_time(batch: list[Pending]) -> None:
    expected: dict[tuple[int, str, str], list[Record]] = defaultdict(list)
    for each in batch:
        record = each.record
        expected[record.year, record.semester, record.student_id].append(record)
        expected[*ALL_TIME, record.student_id].append(record)
    found = values(BatchRows(batch, arm="fastapi", slot=0).students)
    assert {row[:3]: row[3:6] for row in found} == {
        key: (min(r.student_name for r in rows), sum(r.grade for r in rows), len(rows))
        for key, rows in expected.items()
    }
    assert len(found) == len(expected)


@given(batches, st.data())
def test_students_new_to_a_course_are_counted_once(
    batch: list[Pending], data: st.DataObject
) -> None:
    rollups = BatchRows(batch, arm="fastapi", slot=0)
    keys = [bytes.fromhex(row[0]) for row in values(rollups.enrolments)]
    old = data.draw(st.sets(st.sampled_from(keys)))
    expected: Counter[tuple[int, str, str, str]] = Counter()
    seen: set[bytes] = set()
    for each in batch:
        record = each.record
        key = enrolment_key(record.year, record.semester, record.course, record.student_id)
        if key not in seen | old:
            by = each.arm or "fastapi"
            expected[record.year, record.semester, record.course, by] += 1
        seen.add(key)
    found = {row[:4]: row[5] for row in values(rollups.course_students(old))}
    assert found == dict(expected)
    assert keys == sorted(seen)
    hasty = Counter({row[:4]: row[5] for row in values(rollups.course_students())})
    hasty.update({row[:4]: row[5] for row in values(rollups.not_new(old))})
    assert +hasty == expected


@given(batches, st.randoms())
def test_writers_take_their_rows_in_one_order_whatever_order_records_come_in(
    batch: list[Pending], random: Random
) -> None:
    other = random.sample(batch, len(batch))
    ours, theirs = (BatchRows(each, arm="fastapi", slot=0) for each in (batch, other))
    assert ours.students == theirs.students
    assert ours.course_grades == theirs.course_grades
    assert ours.totals == theirs.totals


@given(
    st.tuples(st.integers(1, 10**8), st.integers(1, 10**8)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_ranks_order_as_averages_do(counts: tuple[int, int], parts: tuple[float, float]) -> None:
    sums = [int(100 * count * part) for count, part in zip(counts, parts, strict=True)]
    averages = [Fraction(total, count) for total, count in zip(sums, counts, strict=True)]
    ranks = [-(total * 10**16 // count) for total, count in zip(sums, counts, strict=True)]
    assert (averages[0] > averages[1]) == (ranks[0] < ranks[1])


def test_parts_of_an_enrolment_do_not_run_into_each_other() -> None:
    assert enrolment_key(2002, "a", "bc", "d") != enrolment_key(2002, "ab", "c", "d")
    assert enrolment_key(2002, "a", "b", "c")[:4] == enrolment_key(2002, "a", "b", "x")[:4]
