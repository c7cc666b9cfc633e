import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from fractions import Fraction

import msgspec
import pytest

from audit.servers.mariadb import MariaDB
from services.core.domain.outcome import Conflict, NotStored, Stored
from services.core.domain.pending import Pending
from services.core.storage import batch_writing
from services.core.storage.connections import MySQL
from services.core.storage.ledger import CommittedBatch, Ledger
from services.core.storage.readings import CourseStudents, Readings, Semester
from tests.grading import pending, some_batch, some_record


@pytest.fixture
async def mysql(empty_mysql_url: str) -> AsyncIterator[MySQL]:
    store = MySQL(empty_mysql_url, timeout_s=5)
    yield store
    await store.close()


@pytest.fixture
async def ledger(mysql: MySQL) -> AsyncIterator[Ledger]:
    writer = Ledger(mysql, arm="fastapi", slot=0, timeout_s=5, outbox=True)
    yield writer
    await writer.close()


@pytest.fixture
async def other(mysql: MySQL) -> AsyncIterator[Ledger]:
    writer = Ledger(mysql, arm="grpc", slot=1, timeout_s=5, outbox=False)
    yield writer
    await writer.close()


async def assert_readings_recount(mysql: MySQL, batch: list[Pending]) -> None:
    """Hold every reading against figures counted from the records themselves."""
    records = [each.record for each in batch]
    readings = Readings(mysql)
    students: dict[tuple[int, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    grades: dict[tuple[int, str, str], Counter[int]] = defaultdict(Counter)
    for each in records:
        students[each.year, each.semester][each.course].add(each.student_id)
        grades[each.year, each.semester, each.course][each.grade] += 1
    assert await readings.semesters() == [Semester(*key) for key in sorted(students)]
    for (year, semester), courses in students.items():
        counts = [CourseStudents(name, len(courses[name])) for name in sorted(courses)]
        assert await readings.courses(year, semester) == counts
        top = sorted(counts, key=lambda each: (-each.students, each.course))[:3]
        assert await readings.top_courses(year, semester, 3) == top
        await assert_top_students(mysql, batch, (year, semester))
    for (year, semester, course), counted in grades.items():
        assert await readings.course_grades(course, year, semester) == dict(counted)
    await assert_top_students(mysql, batch, None)


async def assert_top_students(
    mysql: MySQL, batch: list[Pending], term: tuple[int, str] | None
) -> None:
    of = [p.record for p in batch if term in {None, (p.record.year, p.record.semester)}]
    by_student = defaultdict(list)
    for each in of:
        by_student[each.student_id].append(each)
    expected = sorted(
        (
            -Fraction(sum(r.grade for r in rows), len(rows)),
            min(r.student_name for r in rows),
            student,
            len(rows),
        )
        for student, rows in by_student.items()
    )[:5]
    found = await Readings(mysql).top_students(5, *(term or (None, None)))
    assert [(s.student_name, s.student_id, s.records) for s in found] == [e[1:] for e in expected]
    assert [s.average for s in found] == [float(-e[0]) for e in expected]


@pytest.mark.parametrize("seed", range(4))
async def test_readings_equal_a_recount_of_random_batches(
    mysql: MySQL, ledger: Ledger, other: Ledger, seed: int
) -> None:
    dice = random.Random(seed)
    batches = [some_batch(dice, dice.choice([1, 2, 17, 60])) for _ in range(12)]
    halves = await asyncio.gather(
        *(_write_all(writer, batches[start::2]) for start, writer in enumerate((ledger, other)))
    )
    assert all(isinstance(each, Stored) for half in halves for each in half)
    everything = [each for batch in batches for each in batch]
    await assert_readings_recount(mysql, everything)
    counts = await Readings(mysql).count_by_arm()
    assert counts == {
        "fastapi": sum(map(len, batches[0::2])),
        "grpc": sum(map(len, batches[1::2])),
    }


async def _write_all(ledger: Ledger, batches: list[list[Pending]]) -> list[object]:
    return [outcome for batch in batches for outcome in await ledger.write(batch)]


async def test_a_repeat_answers_with_the_first_id_and_arm(ledger: Ledger, other: Ledger) -> None:
    record = some_record(random.Random(1))
    first, again = pending(record, key="k"), pending(record, key="k")
    assert await ledger.write([first]) == [Stored(first.id, "fastapi")]
    assert await other.write([again]) == [Stored(first.id, "fastapi", repeated=True)]


async def test_a_key_with_another_record_is_a_conflict(ledger: Ledger, mysql: MySQL) -> None:
    record = some_record(random.Random(1))
    first = pending(record, key="k")
    changed = pending(msgspec.structs.replace(record, grade=(record.grade + 1) % 101), key="k")
    assert await ledger.write([first]) == [Stored(first.id, "fastapi")]
    assert await ledger.write([changed]) == [Conflict()]
    assert await Readings(mysql).count_by_arm() == {"fastapi": 1}


async def test_keys_are_compared_byte_for_byte(ledger: Ledger) -> None:
    record = some_record(random.Random(1))
    batch = [pending(record, key=key) for key in ("key", "KEY", "k%sy", "k'ey", "k\\ey")]
    assert await ledger.write(batch) == [Stored(each.id, "fastapi") for each in batch]


async def test_a_key_repeated_inside_a_batch_is_stored_once(ledger: Ledger, mysql: MySQL) -> None:
    record = some_record(random.Random(1))
    changed = msgspec.structs.replace(record, course="other")
    batch = [pending(each, key="k") for each in (record, record, changed)]
    first = batch[0].id
    assert await ledger.write(batch) == [
        Stored(first, "fastapi"),
        Stored(first, "fastapi", repeated=True),
        Conflict(),
    ]
    later = [pending(each, key="k") for each in (changed, record)]
    assert await ledger.write(later) == [Conflict(), Stored(first, "fastapi", repeated=True)]
    assert await Readings(mysql).count_by_arm() == {"fastapi": 1}


async def test_winners_and_losers_share_a_batch(ledger: Ledger, mysql: MySQL) -> None:
    dice = random.Random(3)
    old = [pending(some_record(dice), key=f"k{n}") for n in range(5)]
    await ledger.write(old)
    mixed = [pending(each.record, key=each.key) for each in old] + some_batch(dice, 5)
    outcomes = await ledger.write(mixed)
    assert outcomes[:5] == [Stored(each.id, "fastapi", repeated=True) for each in old]
    assert outcomes[5:] == [Stored(each.id, "fastapi") for each in mixed[5:]]
    await assert_readings_recount(mysql, old + mixed[5:])


async def test_a_sender_that_repeats_ids_is_answered_as_before(
    ledger: Ledger, mysql: MySQL
) -> None:
    dice = random.Random(4)
    batch = some_batch(dice, 3)
    await ledger.write(batch)
    outcomes = await ledger.write([*batch, pending(some_record(dice))])
    assert outcomes[:3] == [Stored(each.id, "fastapi", repeated=True) for each in batch]
    assert isinstance(outcomes[3], Stored)
    assert await Readings(mysql).count_by_arm() == {"fastapi": 4}


async def test_a_repeated_id_is_answered_as_before_when_no_try_is_left(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = some_batch(random.Random(4), 3)
    await ledger.write(batch)
    monkeypatch.setattr(batch_writing, "RETRIES", 0)
    assert await ledger.write(batch) == [Stored(e.id, "fastapi", repeated=True) for e in batch]


async def test_the_later_of_two_writers_with_a_key_waits_for_the_first(
    mysql: MySQL, other: Ledger
) -> None:
    record = some_record(random.Random(5))
    first, again = pending(record, key="k"), pending(record, key="k")
    async with await mysql.connect() as session:
        ledger = Ledger(mysql, arm="fastapi", slot=0, timeout_s=5, outbox=False)
        transaction = ledger.transaction(
            session, asyncio.get_running_loop().time() + 5, ledger.new_batch_id()
        )
        await transaction.add([first], [])  # a writer halfway
        await session.run(f"INSERT INTO idempotency_keys VALUES ('k', X'{first.id.hex}')")  # noqa: S608  # of the test's own values
        waiting = asyncio.create_task(other.write([again]))
        done, _ = await asyncio.wait([waiting], timeout=0.4)
        assert not done
        await session.run("COMMIT")
    assert await waiting == [Stored(first.id, "fastapi", repeated=True)]


async def test_both_writers_at_once_store_a_key_once(
    mysql: MySQL, ledger: Ledger, other: Ledger
) -> None:
    dice = random.Random(6)
    records = [some_record(dice) for _ in range(40)]
    for round_ in range(5):
        batches = [[pending(r, key=f"{round_}-{n}") for n, r in enumerate(records)] for _ in "ab"]
        dice.shuffle(batches[0])
        dice.shuffle(batches[1])
        results = await asyncio.gather(ledger.write(batches[0]), other.write(batches[1]))
        ids = defaultdict(set)
        for batch, outcomes in zip(batches, results, strict=True):
            for each, outcome in zip(batch, outcomes, strict=True):
                assert isinstance(outcome, Stored)
                ids[each.key].add((outcome.id, outcome.arm))
        assert all(len(found) == 1 for found in ids.values())
    assert sum((await Readings(mysql).count_by_arm()).values()) == 200


async def test_a_committed_batch_is_told_with_its_winners_only(ledger: Ledger) -> None:
    told: list[CommittedBatch] = []
    ledger.on_committed = told.append
    record = some_record(random.Random(7))
    first, again = pending(record, key="k"), pending(record, key="k")
    await ledger.write([first, again])
    await ledger.write([again])
    assert [each.records for each in told] == [[first]]


async def test_each_record_may_name_its_arm(ledger: Ledger, mysql: MySQL) -> None:
    dice = random.Random(8)
    batch = [pending(some_record(dice), arm=arm) for arm in ("grpc", "rust", "grpc", None)]
    outcomes = await ledger.write(batch)
    assert [o.arm for o in outcomes if isinstance(o, Stored)] == ["grpc", "rust", "grpc", "fastapi"]
    assert await Readings(mysql).count_by_arm() == {"fastapi": 1, "grpc": 2, "rust": 1}
    await assert_readings_recount(mysql, batch)


async def test_a_connection_opened_in_haste_waits_for_locks_as_long_as_any_other(
    ledger: Ledger,
) -> None:
    now = asyncio.get_running_loop().time()
    session = await ledger.session(now + 1.5)
    (answer,) = await session.run("SELECT @@SESSION.innodb_lock_wait_timeout")
    assert answer.rows == ((3,),)


async def test_a_deadlock_is_tried_again(mysql: MySQL, ledger: Ledger, mariadb: MariaDB) -> None:
    """Two transactions lock the same rows in opposite order; both end up stored."""
    dice = random.Random(9)
    batch = [pending(msgspec.structs.replace(some_record(dice), course="A"), key="k1")]
    await ledger.write(batch)
    async with await mysql.connect() as session:
        await session.run("SELECT * FROM students FOR UPDATE")
        # InnoDB sacrifices the transaction that has changed less.
        fences = ",".join(f"(X'{number:032x}', NOW())" for number in range(500))
        await session.run(f"INSERT INTO fences VALUES {fences}")  # noqa: S608  # of the test's own values
        again = [pending(batch[0].record, key="k0")]
        writing = asyncio.create_task(ledger.write(again))
        await asyncio.sleep(0.3)
        # The writer has its new key and waits for the students; this waits for the key.
        await session.run(
            "INSERT INTO idempotency_keys VALUES ('k0', REPEAT('x', 16))"
            " ON DUPLICATE KEY UPDATE record_id = record_id"
        )
        await session.run("ROLLBACK")
        assert await writing == [Stored(again[0].id, "fastapi")]
    deadlocks = mariadb.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    assert int(deadlocks[0][1]) >= 1


async def test_a_record_the_database_cannot_take_fails_alone(ledger: Ledger, mysql: MySQL) -> None:
    dice = random.Random(10)
    batch = some_batch(dice, 7)
    batch[3].record = msgspec.structs.replace(batch[3].record, course="x" * 300)
    batch[5].record = msgspec.structs.replace(batch[5].record, course="\ud800")
    outcomes = await ledger.write(batch)
    assert [type(each) for each in outcomes] == [
        *[Stored] * 3,
        NotStored,
        Stored,
        NotStored,
        Stored,
    ]
    stored = [each for place, each in enumerate(batch) if place not in {3, 5}]
    await assert_readings_recount(mysql, stored)
