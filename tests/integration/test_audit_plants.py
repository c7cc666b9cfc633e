"""Defects planted in a real ledger and a real Redis: the audit reads them, and finds each."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from audit.checks import Finding, check, check_charts, check_live, check_rollups
from audit.history import CALM, Attempt, History, Outcome
from audit.ledger import read_ledger, read_live
from audit.records import Records
from audit.recount import charts
from audit.servers.mariadb import MariaDB
from services.core.domain.outcome import Stored
from services.core.domain.record import Record
from services.core.storage.ledger import Ledger
from tests.grading import pending
from tests.live_system import System
from tests.reporter_process import reporter_process

ARMS = ("fastapi", "grpc")
MIRRORED = frozenset({"fastapi"})
PASS_MARK = 61


class Audited:
    """Records stored through both arms' ledgers, with what their clients were told."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.history = History()
        self._records = Records(random.Random(5))

    async def store(self) -> None:
        for number in range(8):
            ledger = (self.system.ledger, self.system.other)[number % 2]
            entries = [
                self.history.begin(self._records.roll(fat=number == 0), f"{number}-{n}")
                for n in range(20)
            ]
            batch = [pending(Record(*entry.values), key=entry.key) for entry in entries]
            for entry, outcome in zip(entries, await ledger.write(batch), strict=True):
                assert isinstance(outcome, Stored)
                told = Attempt(
                    CALM, "gateway", Outcome.ACKNOWLEDGED, "201", str(outcome.id), outcome.arm
                )
                self.history.note(entry, told)
            if ledger is self.system.ledger:
                self.system.stored += batch

    async def findings(self) -> list[Finding]:
        mysql_url, redis_url = self.system.mysql_url, self.system.redis_url
        ledger = await asyncio.to_thread(read_ledger, mysql_url)
        live = await asyncio.to_thread(read_live, redis_url, mysql_url)
        return [
            *check(self.history, ledger),
            *check_rollups(ledger),
            *check_live(ledger, live, MIRRORED),
        ]

    async def kinds(self) -> set[str]:
        return {finding.kind for finding in await self.findings()}


@pytest.fixture
async def audited(system: System) -> Audited:
    made = Audited(system)
    system.start_writer()
    await made.store()
    await system.becomes_exact()
    async with asyncio.timeout(5):
        while "stale Redis" in await made.kinds():  # noqa: ASYNC110  # its rows are marked soon
            await asyncio.sleep(0.1)
    await system.stop_writer()
    return made


async def test_a_ledger_as_the_services_leave_it_has_no_finding(audited: Audited) -> None:
    assert await audited.findings() == []


COPY = (
    "INSERT INTO records SELECT UNHEX(REPLACE(UUID(), '-', '')), student_id, {name}, course, grade,"
    " semester, year, arm, stored_at FROM records LIMIT 1"
)
PLANTS = (
    (COPY.format(name="student_name"), "doubled"),
    (COPY.format(name="'Nobody'"), "never sent"),
    ("DELETE FROM records LIMIT 1", "lost"),
    ("UPDATE records SET grade = (grade + 1) % 101 LIMIT 1", "never sent"),
    ("DELETE FROM idempotency_keys LIMIT 1", "lost"),
    ("INSERT INTO idempotency_keys SELECT 'nobody-s', id FROM records LIMIT 1", "never sent"),
    ("UPDATE course_grades SET records = records + 1 LIMIT 1", "rollup"),
    ("UPDATE course_students SET students = students - 1 LIMIT 1", "rollup"),
    ("UPDATE students SET grade_sum = grade_sum + 1 LIMIT 1", "rollup"),
    ("UPDATE students SET student_name = 'zzz' LIMIT 1", "rollup"),
    ("UPDATE record_totals SET records = records + 7 LIMIT 1", "rollup"),
    ("DELETE FROM enrolments LIMIT 1", "rollup"),
    ("UPDATE outbox SET applied_at = NULL LIMIT 1", "stale Redis"),
)


async def test_each_defect_planted_in_the_ledger_is_found(
    audited: Audited, mariadb: MariaDB
) -> None:
    before = await audited.findings()
    for plant, kind in PLANTS:
        mariadb.query(plant, "grades")
        after = await audited.findings()
        assert kind in {finding.kind for finding in {*after} - {*before}}, plant
        before = after


async def test_each_defect_planted_in_redis_is_found(
    audited: Audited, redis: Any, mariadb: MariaDB
) -> None:
    ((ledger,),) = mariadb.query("SELECT LOWER(HEX(id)) FROM ledger", "grades")
    records = f"grades:{ledger}:records"
    students = [key async for key in redis.scan_iter(f"grades:{ledger}:students:*")]

    async def plants() -> AsyncIterator[str]:
        await redis.sadd(students[0], "nobody")
        yield "a student too many"
        await redis.spop(students[1])
        yield "a student too few"
        await redis.hdel(records, (await redis.hkeys(records))[0])
        yield "a record too few"
        await redis.delete(records, *students)
        yield "nothing at all"

    before: set[Finding] = set()
    async for plant in plants():
        after = {*await audited.findings()}
        assert {finding.kind for finding in after - before} == {"stale Redis"}, plant
        before = after


async def test_an_arm_that_tells_neither_outbox_nor_redis_of_its_records_is_found(
    system: System,
) -> None:
    system.start_writer()
    await system.becomes_exact()  # of nothing, and so complete
    await system.stop_writer()
    mute = Ledger(system.mysql, arm="fastapi", slot=0, timeout_s=2, outbox=False)
    system.ledger, ledger = mute, system.ledger
    made = Audited(system)
    assert await made.findings() == []
    await made.store()
    await ledger.close()
    assert await made.kinds() == {"stale Redis"}


async def test_every_chart_of_a_real_reporter_is_right_until_a_rollup_is_not(
    audited: Audited, mariadb: MariaDB
) -> None:
    ledger = await asyncio.to_thread(read_ledger, audited.system.mysql_url)
    with reporter_process(audited.system.mysql_url, audited.system.redis_url) as reporter:

        def wrong() -> list[Finding]:
            paths = charts(ledger.records, ARMS, PASS_MARK)
            with httpx.Client(trust_env=False) as client:
                answers = {p: client.get(f"{reporter.api}/{p}").json() for p in paths}
            return check_charts(ledger, answers, ARMS, PASS_MARK)

        assert await asyncio.to_thread(wrong) == []
        mariadb.query("UPDATE course_grades SET records = records + 1 LIMIT 1", "grades")
        found = await asyncio.to_thread(wrong)
    assert {(finding.kind, "results" in finding.detail) for finding in found} == {
        ("wrong chart", True)
    }
