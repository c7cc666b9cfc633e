"""What the audit takes for a deadlock of a writer's: not one that only it has lost itself."""

import asyncio
import random
import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import pymysql
import pytest

from audit.clients import Scene
from audit.faults.fault import Stage
from audit.faults.stores import HEAVY_ROWS, store_faults
from audit.ledger import connect
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from tests.grading import some_batch

if TYPE_CHECKING:
    from audit.stack import System

LIMIT_S = 30


def cross_until_a_deadlock(url: str, rows: int) -> None:
    """Lock as the fault does, the other way round, with so many rows to lose."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:

        def deadlocks() -> int:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
            return int(cursor.fetchall()[0][1])

        before, until = deadlocks(), time.monotonic() + LIMIT_S
        while deadlocks() == before:
            assert time.monotonic() < until, "they never met"
            values = ",".join(f"(X'{uuid4().hex}', UTC_TIMESTAMP(6))" for _ in range(rows))
            try:
                cursor.execute(f"INSERT INTO fences (id, fenced_at) VALUES {values}")  # noqa: S608  # ids of ours
                cursor.execute("SELECT COUNT(*) FROM course_grades FOR UPDATE")
                cursor.execute("DO SLEEP(0.3)")
                cursor.execute("SELECT * FROM record_totals FOR UPDATE")
            except pymysql.OperationalError:
                pass
            connection.rollback()


@pytest.mark.parametrize(
    ("rows", "said"), [(1, None), (3 * HEAVY_ROWS, "no writer's transaction was given up")]
)
async def test_a_deadlock_is_one_that_another_lost(
    empty_mysql_url: str, monkeypatch: pytest.MonkeyPatch, rows: int, said: str | None
) -> None:
    mysql = MySQL(empty_mysql_url)
    ledger = Ledger(mysql, arm="fastapi", slot=0, timeout_s=5, outbox=False)
    await ledger.write(some_batch(random.Random(1), 5))  # a lock takes a row
    await ledger.close()
    await mysql.close()
    monkeypatch.setattr("audit.faults.stores.DEADLOCKS_S", 3.0)
    system = cast("System", SimpleNamespace(mysql_url=empty_mysql_url))
    (fault,) = (each for each in store_faults(system) if each.name == "deadlocks")
    stage = Stage(system, Scene(random.Random(1), []), random.Random(1))
    complaint, _ = await asyncio.gather(
        fault.run(stage), asyncio.to_thread(cross_until_a_deadlock, empty_mysql_url, rows)
    )
    assert complaint == said
