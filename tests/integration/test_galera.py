"""A ledger that outlives its machines: a Galera cluster of three, by the URL alone."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pymysql
import pytest
from opentelemetry.sdk.trace import ReadableSpan

from audit.servers.galera import Galera, Node
from services.core.domain.outcome import NotStored, Outcome, Stored
from services.core.storage import statements
from services.core.storage.batch_writing import RETRIES
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.storage.settle import settle
from tests.arms import Arms
from tests.grading import some_batch
from tests.kept_spans import Memory, told
from tests.load import Load
from tests.recounting import assert_rollups_are_a_recount

if TYPE_CHECKING:
    from services.core.domain.pending import Pending

WRITES_GO_ON_WITHIN_S = 15.0
LOST = "1213"
"""What Galera calls a deadlock: another node's transaction was certified first."""


@pytest.fixture(scope="module")
def galera_arms(
    tmp_path_factory: pytest.TempPathFactory, galera: Galera, redis_url: str
) -> Iterator[Arms]:
    folder = tmp_path_factory.mktemp("galera-arms")
    made = Arms(folder, galera.url, redis_url, MESHSPLIT_STORE_TIMEOUT_S="2")
    try:
        yield made.start()
    finally:
        made.kill()


class Both:
    """Clients of both arms."""

    def __init__(self, arms: Arms, course: str) -> None:
        self.loads = [Load(url, course, clients=4) for url in arms.urls.values()]
        self.course = course

    async def go_on(self) -> float:
        """Wait until each arm has stored something more; give how long that took, in seconds."""
        began = time.monotonic()
        before = [len(load.stored) for load in self.loads]
        while any(len(load.stored) <= had for load, had in zip(self.loads, before, strict=True)):
            assert time.monotonic() - began < WRITES_GO_ON_WITHIN_S, "no more records are stored"
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    def assert_kept(self, node: Node) -> None:
        """What was acknowledged is there once; what was refused isn't."""
        rows = node.query(
            f"SELECT LOWER(HEX(id)) FROM records WHERE course = '{self.course}'",  # noqa: S608 - the test's own
            "grades",
        )
        there = {str(row[0]) for row in rows}
        stored = [each.replace("-", "") for load in self.loads for each in load.stored]
        unknown = sum(load.statuses.get(504, 0) + load.broken for load in self.loads)
        assert set(stored) <= there, "an acknowledged record is lost"
        assert len(there) <= len(stored) + unknown, "a 503 promised that nothing was stored"


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_killed_node_loses_nothing_and_the_next_takes_over(
    galera: Galera, galera_arms: Arms, number: int
) -> None:
    both = Both(galera_arms, f"killed-{number}")
    node, other = galera.nodes[number], galera.nodes[(number + 1) % 3]
    async with both.loads[0], both.loads[1]:
        await asyncio.to_thread(node.program.kill)
        await both.go_on()
        await asyncio.to_thread(node.join)
        await both.go_on()
    both.assert_kept(other)
    both.assert_kept(node)
    assert_rollups_are_a_recount(other)


async def test_a_node_that_is_cut_off_is_left_for_one_that_is_not(
    galera: Galera, galera_arms: Arms
) -> None:
    both = Both(galera_arms, "cut-off")
    used = galera.nodes[0]
    async with both.loads[0], both.loads[1]:
        await asyncio.to_thread(used.cut_off)
        await asyncio.sleep(4)  # until it knows that it is alone
        await both.go_on()
        await asyncio.to_thread(used.let_in)
        await asyncio.to_thread(used.wait_until_synced, 3)
        await both.go_on()
    both.assert_kept(galera.nodes[1])
    both.assert_kept(used)
    assert_rollups_are_a_recount(galera.nodes[1])


@pytest.fixture
async def ledgers(galera: Galera) -> AsyncIterator[list[Ledger]]:
    """Two writers of one arm and slot, on two nodes, which is what the ordered list avoids."""
    mysqls = [MySQL(node.url("grades")) for node in galera.nodes[:2]]
    made = [Ledger(mysql, arm="fastapi", slot=7, timeout_s=5, outbox=True) for mysql in mysqls]
    yield made
    for ledger, mysql in zip(made, mysqls, strict=True):
        await ledger.close()
        await mysql.close()


async def test_writers_on_two_nodes_try_again_where_certification_fails(
    galera: Galera, ledgers: list[Ledger]
) -> None:
    dice = random.Random(8)
    before = failures(galera)
    written: list[tuple[Pending, Outcome]] = []
    memory = Memory()

    async def write(ledger: Ledger) -> None:
        for _ in range(40):
            batch = some_batch(dice, 5)
            with memory.traces.tracer.start_as_current_span("store batch") as span:
                outcomes = await ledger.write(batch)
                span.set_attribute("stored", all(isinstance(each, Stored) for each in outcomes))
            written.extend(zip(batch, outcomes, strict=True))

    await asyncio.gather(*map(write, ledgers))
    assert failures(galera) > before, "they met"
    assert {type(outcome) for _, outcome in written} <= {Stored, NotStored}
    retries = [(told(span)["stored"], tried_again(span)) for span in memory.spans]
    assert any(stored and times for stored, times in retries), "another try stored what had lost"
    assert {times for stored, times in retries if not stored} <= {RETRIES}, "given up too early"
    stored = {each.id.hex for each, outcome in written if isinstance(outcome, Stored)}
    rows = galera.nodes[2].query("SELECT LOWER(HEX(id)) FROM records", "grades")
    there = {str(row[0]) for row in rows}
    assert there & {each.id.hex for each, _ in written} == stored
    assert_rollups_are_a_recount(galera.nodes[2])


def tried_again(batch: ReadableSpan) -> int:
    """How often a batch was, after it had lost against another node's."""
    said = [each.attributes or {} for each in batch.events if each.name == "retry"]
    return sum(each["error.type"] == LOST for each in said)


def failures(galera: Galera) -> int:
    """Transactions that a node gave up for another node's, so far."""
    return sum(
        int(value)
        for node in galera.nodes
        for name, value in node.query("SHOW STATUS LIKE 'wsrep_local_%'")
        if name in {"wsrep_local_cert_failures", "wsrep_local_bf_aborts"}
    )


async def test_a_record_given_up_on_one_node_can_not_be_committed_on_another(
    galera: Galera,
) -> None:
    (late,) = some_batch(random.Random(9), 1)
    one = galera.nodes[0]
    writer = pymysql.connect(host="127.0.0.1", port=one.port, user="root", database="grades")
    settler = MySQL(galera.nodes[1].url("grades"))
    record = late.record
    row = (
        late.id, record.student_id, record.student_name, record.course, record.grade,
        record.semester, record.year, "fastapi",
    )  # fmt: skip
    try:
        with writer.cursor() as cursor:
            cursor.execute(statements.INSERT_RECORDS.fill([row]))
            cursor.execute(statements.READ_FENCES.look_for([late.id]))
            assert cursor.fetchall() == ()
            assert await settle(settler, [late.id], limit_s=5) == {late.id: False}
            with pytest.raises(pymysql.err.OperationalError, match="1213"):
                cursor.execute("COMMIT")
    finally:
        writer.close()
        await settler.close()
    assert one.query(f"SELECT * FROM records WHERE id = X'{late.id.hex}'", "grades") == ()  # noqa: S608 - the test's own
