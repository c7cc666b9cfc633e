"""What a batch's spans tell of its way through the ledger."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import pairwise

import msgspec
import pytest
from opentelemetry.trace import StatusCode

from services.core.domain.outcome import NotStored, Stored
from services.core.domain.pending import Pending
from services.core.storage.connections import MySQL
from services.core.storage.ledger import CommittedBatch, Ledger
from services.core.storage.transaction import KEYS_DOUBTED
from tests.grading import pending, some_batch, some_record
from tests.kept_spans import Memory, told

DEADLOCK = "1213"


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def mysql(empty_mysql_url: str, memory: Memory) -> AsyncIterator[MySQL]:
    store = MySQL(empty_mysql_url, timeout_s=5, traces=memory.traces)
    yield store
    await store.close()


@pytest.fixture
async def ledger(mysql: MySQL) -> AsyncIterator[Ledger]:
    writer = Ledger(mysql, arm="fastapi", slot=0, timeout_s=5, outbox=True)
    yield writer
    await writer.close()


USUAL = (
    "INSERT records INSERT enrolments INSERT course_grades INSERT students INSERT record_totals"
    " INSERT outbox INSERT course_students SELECT fences"
)
KEYED = f"INSERT idempotency_keys {USUAL}"


async def trips_of(ledger: Ledger, memory: Memory, batch: list[Pending]) -> list[str]:
    """Write a batch, and name its round trips, but for those that set up a connection."""
    before = len(memory.spans)
    with memory.traces.tracer.start_as_current_span("store batch"):
        await ledger.write(batch)
    *trips, _ = memory.spans[before:]
    return [each.name for each in trips if not each.name.startswith(("SET ", "INSERT fences"))]


async def test_each_round_trip_of_a_traced_batch_is_a_span_and_the_commit_the_last(
    ledger: Ledger, memory: Memory
) -> None:
    await ledger.write(some_batch(random.Random(1), 5))
    assert memory.spans == [], "nobody was traced"
    told_of: list[CommittedBatch] = []
    ledger.on_committed = told_of.append
    batch = [pending(some_record(random.Random(2)), key="k")]
    with memory.traces.tracer.start_as_current_span("store batch") as span:
        await ledger.write(batch)
    *trips, whole = memory.spans
    assert [each.name for each in trips] == [KEYED, "COMMIT"]
    assert all(each.parent == whole.context for each in trips)
    for one, next_one in pairwise(trips):
        assert (one.end_time or 0) <= (next_one.start_time or 0)
    assert {told(each)["db.system.name"] for each in trips} == {"mariadb"}
    assert {told(each)["db.namespace"] for each in trips} == {"grades"}
    assert [each.span for each in told_of] == [span.get_span_context()]


async def test_a_batch_with_a_key_that_is_taken_is_begun_anew_and_many_after_it_ask_first(
    ledger: Ledger, memory: Memory
) -> None:
    record = some_record(random.Random(4))
    first, other, third, fourth, fifth = (
        pending(msgspec.structs.replace(record, student_id=f"s{n}"), key=f"k{n}") for n in range(5)
    )
    again = pending(first.record, key="k0")
    assert await trips_of(ledger, memory, [first]) == [KEYED, "COMMIT"]
    found = await trips_of(ledger, memory, [again, other])
    claims = ["INSERT idempotency_keys", "SELECT idempotency_keys", "SELECT records"]
    assert found == [KEYED, "ROLLBACK", *claims, USUAL, "COMMIT"]
    asking_first = ["INSERT idempotency_keys", USUAL, "COMMIT"]
    assert await trips_of(ledger, memory, [third]) == asking_first
    for number in range(KEYS_DOUBTED - 2):
        await ledger.write([pending(record, key=f"doubted {number}")])
    assert (await trips_of(ledger, memory, [fourth]))[0] == "INSERT idempotency_keys"
    assert (await trips_of(ledger, memory, [fifth]))[0].startswith("INSERT idempotency_keys INSERT")


async def test_students_who_have_a_course_already_are_taken_back_and_next_time_asked_for_first(
    ledger: Ledger, memory: Memory
) -> None:
    old = some_record(random.Random(5))
    new, newer, newest = (msgspec.structs.replace(old, student_id=f"s{n}") for n in range(3))
    assert await trips_of(ledger, memory, [pending(old)]) == [USUAL, "COMMIT"]
    found = await trips_of(ledger, memory, [pending(old), pending(new)])
    assert found == [USUAL, "SELECT enrolments", "INSERT course_students", "COMMIT"]
    later = USUAL.replace(" INSERT course_students", "")
    assert await trips_of(ledger, memory, [pending(old)]) == [later, "COMMIT"]
    counted = [later, "INSERT course_students", "COMMIT"]
    assert await trips_of(ledger, memory, [pending(newer)]) == counted
    assert await trips_of(ledger, memory, [pending(newest)]) == [USUAL, "COMMIT"]


async def waiting_for_a_lock(url: str) -> None:
    """Wait until a transaction waits for another's row."""
    asked = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    looking = MySQL(url)
    async with asyncio.timeout(10):
        while await looking.fetch(asked) == ((0,),):  # noqa: ASYNC110 - InnoDB tells nobody
            await asyncio.sleep(0.02)
    await looking.close()


async def test_a_deadlock_and_the_next_try_are_told(
    empty_mysql_url: str, ledger: Ledger, memory: Memory
) -> None:
    record = some_record(random.Random(9))
    await ledger.write([pending(record)])
    in_the_way = MySQL(empty_mysql_url)
    tracer = memory.traces.tracer
    async with await in_the_way.connect() as session:
        await session.run("SELECT * FROM students FOR UPDATE")
        # InnoDB sacrifices the transaction that has changed less.
        fences = ",".join(f"(X'{number:032x}', NOW())" for number in range(500))
        await session.run(f"INSERT INTO fences VALUES {fences}")  # noqa: S608  # of the test's own values
        with tracer.start_as_current_span("store batch"):
            writing = asyncio.create_task(ledger.write([pending(record, key="k0")]))
            await waiting_for_a_lock(empty_mysql_url)
            await session.run(
                "INSERT INTO idempotency_keys VALUES ('k0', REPEAT('x', 16))"
                " ON DUPLICATE KEY UPDATE record_id = record_id"
            )
            await session.run("ROLLBACK")
            (outcome,) = await writing
    assert isinstance(outcome, Stored)
    *trips, batch = memory.spans
    failed = [each for each in trips if each.status.status_code is StatusCode.ERROR]
    assert [told(each)["db.response.status_code"] for each in failed] == [DEADLOCK]
    assert [(each.name, (each.attributes or {})["error.type"]) for each in batch.events] == [
        ("retry", DEADLOCK)
    ]
    assert [each.name for each in trips][-1] == "COMMIT"


async def test_another_try_is_an_event_on_the_batch_and_a_database_that_is_away_an_error(
    empty_mysql_url: str, memory: Memory
) -> None:
    away = MySQL(empty_mysql_url.replace("grades", "nowhere"), timeout_s=1, traces=memory.traces)
    ledger = Ledger(away, arm="fastapi", slot=0, timeout_s=1, outbox=False)
    with memory.traces.tracer.start_as_current_span("store batch"):
        (outcome,) = await ledger.write(some_batch(random.Random(3), 1))
    assert isinstance(outcome, NotStored)
    (batch,) = memory.named("store batch")
    assert {each.name for each in batch.events} == {"retry"}
    tries = [dict(each.attributes or {})["meshsplit.retries.left"] for each in batch.events]
    assert tries == [2, 1, 0]
