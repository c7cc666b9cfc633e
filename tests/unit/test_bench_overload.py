"""What a benchmark above saturation tells: who was served, and when all was normal again."""

from __future__ import annotations

import msgspec
import pytest

from bench.calm import CalmTally
from bench.loops import OpenLoop
from bench.measured import Measured
from bench.orders import Calm, Slice
from bench.page import render
from bench.recovery import Overload, normal_after, unanswered
from bench.results import Machine, Results, table
from bench.tally import Tally
from tests.unit.test_bench_loops import MS, Client, Clock

CALM = Calm(rate=100, connections=8, before_s=2, after_s=3, slice_s=0.5)
RUN = Measured(
    case="flood",
    round=1,
    answers=2_000,
    refused=6_000,
    seconds=4.0,
    cpu_us={"envoy": 100.0},
    p50_ms=100.0,
    p99_ms=400.0,
    lag_p99_ms=1.0,
    rate=2_000.0,
    others=0.0,
    idle=0.0,
    memory_mb={},
    whole=True,
    overload=Overload(
        unanswered=0.02, normal_s=1.25, resident_mb={"envoy": (90.0, 120.0)}, peak=1_000.0
    ),
)


def slices(*after: Slice) -> list[Slice]:
    before = [quick(at) for at in (-2.0, -1.5, -1.0, -0.5)]
    return [*before, *after]


def quick(at: float, **changes: float) -> Slice:
    usual = Slice(begins_s=at, due=50, stored=50, p50_ms=4.0, p99_ms=10.0)
    return msgspec.structs.replace(usual, **changes)


def test_it_is_normal_at_once_if_nothing_is_worse_than_before() -> None:
    assert normal_after(slices(*(quick(at / 2) for at in range(6)))) == 0.0


@pytest.mark.parametrize(
    "worse",
    [{"stored": 49}, {"p50_ms": 6.1}, {"p99_ms": 15.1}, {"due": 0, "stored": 0}],
    ids=["one refused", "slower", "some slower", "nothing due"],
)
def test_it_is_normal_from_the_first_second_in_which_nothing_is_worse(
    worse: dict[str, float],
) -> None:
    after = [quick(at / 2) for at in range(8)]
    after[1] = quick(0.5, **worse)
    assert normal_after(slices(*after)) == 1.0


def test_it_is_not_normal_if_that_never_lasts_a_second() -> None:
    after = [quick(at / 2, stored=50 - at % 2) for at in range(8)]
    assert normal_after(slices(*after)) is None
    assert normal_after([quick(at / 2) for at in range(8)]) is None, "nothing to compare with"


def test_the_first_second_of_the_calm_is_not_what_is_compared_with() -> None:
    slow_at_first = [quick(-2.0, p99_ms=900.0), *slices()[1:]]
    after = [quick(at / 2, p99_ms=100.0) for at in range(8)]
    assert normal_after([*slow_at_first, *after]) is None


def test_a_calm_load_is_told_of_by_when_its_requests_were_due() -> None:
    tally = CalmTally()
    tally.clock = clock = Clock()
    end = clock.now
    for at in (-600, 100, 200, 700, 900_000):  # the last one is after the time looked at
        tally.schedule(end + at * MS, end + at * MS)
    clock.now = end + 250 * MS
    tally.count("201 an-arm", end + 200 * MS)
    tally.count("503 later", end + 100 * MS)
    clock.now = end + 2_700 * MS  # late, but it was due early
    tally.count("201 an-arm", end + 700 * MS)
    found = {each.begins_s: each for each in tally.slices(end, CALM)}
    assert [found[at].due for at in (-1.0, 0.0, 0.5, 1.0)] == [1, 2, 1, 0]
    assert [found[at].stored for at in (-1.0, 0.0, 0.5, 1.0)] == [0, 1, 1, 0]
    assert found[0.0].p99_ms == pytest.approx(50, rel=0.01)
    assert found[0.5].p50_ms == pytest.approx(2_000, rel=0.01)


def test_what_waits_for_a_connection_can_be_given_up() -> None:
    client = Client(1, rate=1_000)
    client.clock.now += 3 * MS
    client.tick()
    client.loop.stop()
    assert isinstance(client.loop, OpenLoop)
    client.loop.give_up()
    client.answer()
    report = client.tally.report(0, 1)
    assert (client.sent, report.answers) == ([b"0"], {"201 an-arm": 1})
    assert (report.scheduled, report.in_time, report.unanswered) == (4, 1, 0)


def test_an_open_loop_that_is_started_again_leaves_busy_connections_alone() -> None:
    client = Client(2, rate=1_000)
    client.tick()
    client.loop.stop()
    client.loop.start()
    client.tick()
    assert sorted(len(wire.sent) for wire in client.wires) == [1, 1]


def test_what_fell_behind_is_a_share_of_what_was_due() -> None:
    assert unanswered(1_000, 600) == pytest.approx(0.4)
    assert unanswered(0, 0) is None, "a closed loop"


def test_an_answer_to_what_was_due_before_does_not_make_up_for_one_that_is_missing() -> None:
    tally = Tally()
    tally.clock = clock = Clock()
    early = clock.now
    clock.now += MS
    tally.begin()
    for _ in range(4):
        tally.schedule(clock.now, clock.now)
    tally.count("201 an-arm", early)
    tally.count("503 later", clock.now)
    tally.end()
    tally.count("201 an-arm", clock.now)
    report = tally.report(0, 1)
    assert sum(report.measured.values()) == 2
    assert unanswered(report.scheduled, report.in_time) == pytest.approx(0.75)


def test_the_page_and_the_terminal_tell_what_became_of_an_overload() -> None:
    results = Results(Machine(2, 24.0, "a processor", "Linux", "3.11"), 1.0, 4.0, [RUN])
    page = render(results)
    told = "| flood | 50.0 (50.0 to 50.0) | 75.0 (75.0 to 75.0) | 2.00 (2.00 to 2.00) |"
    assert told in page
    assert "1.25 (1.25 to 1.25)" in page
    assert "envoy 90.0 and 120" in page
    assert "accepted, % of the peak" in table(results)


def test_a_system_that_did_not_recover_is_told_of() -> None:
    assert RUN.overload is not None
    stuck = msgspec.structs.replace(
        RUN, overload=msgspec.structs.replace(RUN.overload, normal_s=None)
    )
    results = Results(Machine(2, 24.0, "a processor", "Linux", "3.11"), 1.0, 4.0, [RUN, stuck])
    assert "1.25 (1.25 to 1.25); 1 of 2 runs not within 8 s" in render(results)
