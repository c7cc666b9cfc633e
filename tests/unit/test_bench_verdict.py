"""A run of the benchmark that can't be believed is void, and says why."""

from typing import Any

import msgspec
import pytest

from bench.counts import Counts
from bench.orders import Report
from bench.verdict import why_void

GOOD = Report(
    answers={"201 a": 600, "201 b": 600},
    wrong=[],
    unanswered=0,
    measured={"201 a": 500, "201 b": 500},
    latency={5_000_000: 1_000},
    lag={},
    scheduled=0,
    in_time=0,
    cpu_s=0.3,
    wall_s=1.0,
)
STORED = Counts({"a": 600, "b": 600}, live=600)
OPEN = msgspec.structs.replace(GOOD, lag={100_000: 1_000}, scheduled=1_000)


def reasons(
    report: Report = GOOD, stored: Counts = STORED, rate: float | None = None, **changes: Any
) -> list[str]:
    return why_void(
        msgspec.structs.replace(report, **changes),
        stored,
        expected=["201 a", "201 b"],
        storing={"a": 600, "b": 600},
        projected="a",
        rate=rate,
    )


def test_a_good_run_counts() -> None:
    assert reasons() == []
    assert reasons(OPEN, rate=1_000) == []


@pytest.mark.parametrize(
    "stored",
    [
        Counts({"a": 599, "b": 600}, live=600),
        Counts({"a": 601, "b": 600}, live=600),
        Counts({"a": 600}, live=600),
        Counts({"a": 600, "b": 600, "c": 1}, live=600),
    ],
    ids=["one lost", "one doubled", "an arm lost", "one nobody sent"],
)
def test_it_is_void_if_mysql_has_other_rows_than_were_acknowledged(stored: Counts) -> None:
    (reason,) = reasons(stored=stored)
    assert "rows in MySQL" in reason


@pytest.mark.parametrize("live", [599, 601])
def test_it_is_void_if_redis_has_other_records_than_its_arm_acknowledged(live: int) -> None:
    (reason,) = reasons(stored=Counts(STORED.rows, live))
    assert "records in Redis" in reason


@pytest.mark.parametrize("answer", ["503", "200 a", "201 c", "201"])
def test_it_is_void_if_anything_was_answered_wrong(answer: str) -> None:
    assert reasons(answers={**GOOD.answers, answer: 1}) == [f"1 answers of {answer!r}"]


def test_it_is_void_if_a_request_got_no_answer() -> None:
    assert reasons(unanswered=1, wrong=["reset"]) == ["1 unanswered: reset"]


def test_it_is_void_if_it_was_too_short_to_say_anything() -> None:
    assert reasons(measured={"201 a": 99}) == ["fewer than 100 answers"]


def test_a_closed_loop_is_void_if_its_generator_was_busy_most_of_the_time() -> None:
    assert reasons(cpu_s=0.59) == []
    assert reasons(cpu_s=0.61) == ["the generator was the limit: it used 61% of a core"]


@pytest.mark.parametrize(
    ("lag", "which"),
    [({600_000: 1_000}, "median"), ({0: 980, 3_000_000: 20}, "p99")],
)
def test_an_open_loop_is_void_if_its_generator_was_late(lag: dict[int, int], which: str) -> None:
    (reason,) = reasons(OPEN, lag=lag, rate=1_000)
    assert reason.startswith(f"the generator was the limit: the {which}")


def test_an_open_loop_is_void_if_its_generator_did_not_keep_to_the_rate() -> None:
    assert reasons(OPEN, rate=1_005) == []
    assert reasons(OPEN, rate=1_100) == [
        "the generator was the limit: it sent 1000 a second, not 1100"
    ]
