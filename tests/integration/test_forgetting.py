"""What is kept for a while only: applied batches in the outbox, fences, and Redis' own memory."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from audit.servers.mariadb import MariaDB
from services.core.domain.outcome import Stored
from services.core.domain.record import Record
from services.core.live.writer import LiveWriter
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.storage.outbox import Outbox
from tests.grading import pending, some_batch

FIRST = UUID(int=0)
HOUR_S = 3600
RECORDS = 256 * 80


@pytest.fixture
async def mysql(empty_mysql_url: str) -> AsyncIterator[MySQL]:
    made = MySQL(empty_mysql_url, timeout_s=5)
    yield made
    await made.close()


@pytest.fixture
async def ledger(mysql: MySQL) -> AsyncIterator[Ledger]:
    made = Ledger(mysql, arm="fastapi", slot=0, timeout_s=5, outbox=True)
    yield made
    await made.close()


async def test_only_batches_applied_long_ago_are_forgotten(
    mysql: MySQL, ledger: Ledger, mariadb: MariaDB
) -> None:
    outbox, dice = Outbox(mysql), random.Random(1)
    for _ in range(3):
        await ledger.write(some_batch(dice, 2))
    first, second, third = [row.batch_id for row in await outbox.kept(FIRST, 10)]
    await outbox.mark_applied([first, second])
    mariadb.query(
        "UPDATE outbox SET applied_at = applied_at - INTERVAL 2 HOUR "  # noqa: S608 - an id of ours
        f"WHERE batch_id = X'{first.hex}'",
        "grades",
    )
    await outbox.prune(HOUR_S)
    assert [row.batch_id for row in await outbox.kept(FIRST, 10)] == [second, third]
    assert [row.batch_id for row in await outbox.unapplied(FIRST, 10)] == [third]


async def test_the_outbox_is_read_page_by_page_without_gap_or_overlap(
    mysql: MySQL, ledger: Ledger
) -> None:
    outbox, dice = Outbox(mysql), random.Random(1)
    for _ in range(7):
        await ledger.write(some_batch(dice, 1))
    whole = [row.batch_id for row in await outbox.unapplied(FIRST, 100)]
    paged: list[UUID] = []
    while page := await outbox.unapplied(paged[-1] if paged else FIRST, 3):
        paged += [row.batch_id for row in page]
    assert paged == whole
    assert len(set(paged)) == 7


async def test_old_fences_are_forgotten_when_new_ones_are_set(
    ledger: Ledger, mariadb: MariaDB
) -> None:
    old, young, new = uuid4(), uuid4(), uuid4()
    await ledger.settle([old, young])
    mariadb.query(
        "UPDATE fences SET fenced_at = fenced_at - INTERVAL 25 HOUR "  # noqa: S608 - an id of ours
        f"WHERE id = X'{old.hex}'",
        "grades",
    )
    assert await ledger.settle([new]) == {new: False}
    kept = {row[0].lower() for row in mariadb.query("SELECT HEX(id) FROM fences", "grades")}
    assert {young.hex, new.hex} <= kept
    assert old.hex not in kept


async def test_redis_needs_at_most_250_bytes_a_record(
    mysql: MySQL, ledger: Ledger, redis_url: str
) -> None:
    client: Redis = Redis.from_url(redis_url)
    writer = LiveWriter(redis_url, mysql, arm="fastapi", timeout_s=2)
    dice = random.Random(1)
    try:
        await client.flushall()
        before = int((await client.info("memory"))["used_memory_dataset"])
        ledger.on_committed = writer.offer
        writer.start()
        for _ in range(RECORDS // 256):
            outcomes = await ledger.write([pending(realistic(dice)) for _ in range(256)])
            assert all(isinstance(outcome, Stored) for outcome in outcomes)
        async with asyncio.timeout(20):
            while await Outbox(mysql).unapplied(FIRST, 1):  # noqa: ASYNC110 - MySQL sends no events
                await asyncio.sleep(0.1)
        after = int((await client.info("memory"))["used_memory_dataset"])
    finally:
        await writer.stop()
        await client.aclose()
    assert 30 < (after - before) / RECORDS <= 250


def realistic(dice: random.Random) -> Record:
    """Roll a record of a student who takes a handful of courses."""
    student = dice.randrange(RECORDS // 5)
    return Record(
        student_id=f"{student:05}-2026",
        student_name=f"Student {student}",
        course=f"Course {dice.randrange(40)}",
        grade=dice.randrange(101),
        semester=dice.choice(["primer semestre", "segundo semestre"]),
        year=dice.randrange(2022, 2027),
    )
