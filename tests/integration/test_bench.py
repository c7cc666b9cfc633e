"""The benchmark measures the real system, and a run in which anything was lost doesn't count."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pymysql
import pytest
import redis

from bench.cases import CASES
from bench.measuring import Measuring
from bench.rounds import MANY, Bench
from bench.system import System, projected, system
from bench.telemetry import LEVELS
from meshsplit.local.stores import DATABASE, LOGIN
from tests.benched import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measured import Measured
    from bench.measuring import CarriedOut
    from bench.orders import Order

RATE = 200
PEAK = msgspec.structs.replace(RUN, case="peak", answers=RATE, seconds=1.0)
ADD_A_ROW = (
    "INSERT INTO records SELECT UNHEX(REPLACE(UUID(), '-', '')), student_id, student_name, course,"
    " grade, semester, year, arm, stored_at FROM records LIMIT 1"
)


@pytest.fixture(scope="module")
def running() -> Iterator[System]:
    with system(lambda _: None) as made:
        yield made


class Planting(Measuring):
    """Changes a store behind the benchmark's back, between the load and the counting."""

    statement = ""
    forgets = False

    def _carry_out(self, order: Order, module: str) -> CarriedOut:
        carried_out = super()._carry_out(order, module)
        run = self.system.run
        if self.statement:
            with pymysql.connect(
                host="127.0.0.1",
                port=run.settings.ports["mariadb"],
                user=LOGIN,
                password=run.passwords.mysql,
                database=DATABASE,
                autocommit=True,
            ) as connection:
                connection.cursor().execute(self.statement)
        if self.forgets:
            with redis.Redis.from_url(self.system.redis_url) as client:
                key = next(client.scan_iter("grades:*:records"))
                client.hdel(key, next(client.hscan_iter(key))[0])
        return carried_out


def bench_of(running: System, kind: type[Measuring] = Measuring) -> Bench:
    return Bench(kind(running, projected(running), warm_s=0.3, measure_s=1.0), 1)


class SoonSaturated(Bench):
    """Takes a gentle rate for all there can be: the counting is looked at, not a flood."""

    void: tuple[str, ...] = ()

    def saturation(self, connections: int) -> Measured:
        assert connections == MANY
        return msgspec.structs.replace(PEAK, void=list(self.void))


def reasons_of(measured: Measured) -> list[str]:
    """Why a run is void, but for what a busy machine does to the generator."""
    return [reason for reason in measured.void if not reason.startswith("the generator")]


def test_a_run_in_which_all_is_well_counts_and_tells_what_each_process_used(
    running: System,
) -> None:
    measured = bench_of(running).through_the_arms("a case", 16, rate=RATE)
    assert reasons_of(measured) == []
    assert measured.answers > RATE / 2
    assert {"envoy", "ingest", "bridge", "recorder", "mariadb"} <= measured.cpu_us.keys()
    assert measured.services_over_gateway is not None


@pytest.mark.parametrize(
    "name",
    ["arms", "gateway", "nothing", "write-path", "insert", "plain", "plain-whole", "plain-arms"],
)
def test_a_case_answers_right_and_stores_what_it_says(running: System, name: str) -> None:
    runs = list(CASES[name].run(bench_of(running)))
    assert [each.case for each in runs] == list(CASES[name].runs)
    for measured in runs:
        assert reasons_of(measured) == [], measured.case


def test_what_is_measured_against_a_void_peak_is_void(running: System) -> None:
    class Voided(SoonSaturated):
        void = ("nobody counted",)

    (measured,) = CASES["flood"].run(Voided(bench_of(running).measuring, 1))
    assert measured.void == ["its peak: nobody counted"] * 2


def test_a_program_in_a_services_place_runs_under_the_same_supervisor(running: System) -> None:
    session = os.getsid(running.processes()["envoy"].pid)
    with running.instead({"ingest": "bench.plain.bare"}):
        other = running.processes()["ingest"]
        assert "bench.plain.bare" in other.cmdline()
        assert os.getsid(other.pid) == session
        assert other.nice() == running.processes()["bridge"].nice()
    assert "services.ingest" in running.processes()["ingest"].cmdline()


def test_above_saturation_a_load_is_made_amid_a_calm_one(running: System) -> None:
    bench = SoonSaturated(bench_of(running).measuring, 1)
    (measured,) = CASES["flood"].run(bench)
    assert reasons_of(measured) == []
    assert measured.rate == 2 * RATE
    assert measured.answers == pytest.approx(2 * RATE * measured.seconds, rel=0.2)
    overload = measured.overload
    assert overload is not None
    assert overload.peak == RATE
    assert overload.unanswered is not None
    assert overload.unanswered < 0.2
    assert overload.resident_mb.keys() >= {"envoy", "ingest", "bridge", "recorder", "mariadb"}


def test_every_level_of_telemetry_is_measured_in_a_round(running: System) -> None:
    runs = list(CASES["telemetry"].run(bench_of(running)))
    assert {run.case for run in runs} == set(LEVELS)
    assert [reasons_of(run) for run in runs] == [[]] * len(LEVELS)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM records ORDER BY id DESC LIMIT 1", "acknowledged"),
        (ADD_A_ROW, "more rows in MySQL"),
    ],
    ids=["a row that is lost", "a row that nobody sent"],
)
def test_a_run_is_void_if_mysql_is_not_as_was_acknowledged(
    running: System, statement: str, reason: str
) -> None:
    bench = bench_of(running, Planting)
    bench.measuring.statement = statement  # type: ignore[attr-defined]  # it is a Planting
    (said, *_) = reasons_of(bench.through_the_arms("a case", 16, rate=RATE))
    assert reason in said


def test_a_run_is_void_if_redis_lacks_a_record(running: System) -> None:
    bench = bench_of(running, Planting)
    bench.measuring.forgets = True  # type: ignore[attr-defined]  # it is a Planting
    reasons = bench.through_the_arms("a case", 16, rate=RATE).void
    assert any("records in Redis" in reason for reason in reasons)
