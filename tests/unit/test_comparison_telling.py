import re
from dataclasses import replace
from random import Random

import pytest

from meshsplit.comparison.comparison import Comparison, compare
from meshsplit.comparison.evidence import Evidence
from meshsplit.comparison.telling import missing, tell
from tests.arm_traffic import WINDOW_S, Traffic, window

CALM = Traffic(errors=0)


def compared(arms: dict[str, Traffic], windows: int) -> Comparison:
    dice, known = Random(1), Evidence.of(list(arms))
    for _ in range(windows):
        known.take(window(dice, arms), WINDOW_S)
    return compare(known)


def test_nothing_seen_says_how_much_is_needed() -> None:
    found = compared({"a": CALM, "b": CALM}, 0)
    assert tell(found) == "No requests yet; about 5,700 are needed to compare errors."
    assert missing(found) == 5_700


def test_one_arm_is_compared_with_nothing() -> None:
    found = compared({"a": CALM}, 20)
    assert tell(found) == "Requests go to one arm, so there is nothing to compare."
    assert found.measures[0].readings["a"].interval[1] == pytest.approx(0.002, abs=0.002)


def test_too_few_requests_show_no_difference_and_say_how_many_are_missing() -> None:
    found = compared({"a": CALM, "b": CALM}, 4)
    assert re.fullmatch(
        r"No difference shown yet; it takes about [\d,]+ more requests to tell about [^;]+"
        rf" and {missing(found):,} about [^;,]+\.",
        tell(found),
    )


def test_what_is_missing_is_about_enough() -> None:
    arms = {"a": CALM, "b": CALM}
    few = compared(arms, 20)
    windows = 20 + round(1.3 * missing(few) / (2 * CALM.requests))
    assert missing(few) > 0
    assert missing(compared(arms, windows)) == 0


def test_a_difference_is_told_with_how_large_it_is_at_least() -> None:
    worse = Traffic(errors=0.05, median_s=0.02, cpu_s=0.0007)
    assert tell(compared({"a": CALM, "b": worse}, 80)).startswith(
        "a fails less often (by at least "
    )
    text = tell(compared({"b": worse, "a": CALM}, 80))
    assert "answers faster at p50 (by at least 7.5 ms)" in text
    assert "takes less CPU a record (by at least 1" in text
    assert text.endswith(" than b.")


def test_arms_that_are_alike_are_told_so_with_the_margin() -> None:
    assert tell(compared({"a": CALM, "b": CALM}, 100)) == (
        "No difference in errors (within half a point), in p50 and p99"
        " (within a bucket of the histogram) and in CPU a record (within a tenth)."
    )


def test_each_of_three_arms_is_compared_with_each() -> None:
    arms = {"a": CALM, "b": CALM, "c": replace(CALM, median_s=0.04)}
    text = tell(compared(arms, 60))
    assert "a answers faster at p50 (by at least 17 ms)" in text
    assert "than c; b answers faster" in text


def test_a_measure_of_which_nothing_is_known_is_named() -> None:
    known = Evidence.of(["a", "b"])
    dice = Random(1)
    for _ in range(60):
        increase = window(dice, {"a": CALM, "b": CALM})
        increase.answers.clear()
        known.take(increase, WINDOW_S)
    assert "; nothing known yet of errors" in tell(compare(known))


def test_an_arm_too_slow_for_the_histogram_is_still_the_slower_one() -> None:
    text = tell(compared({"a": replace(CALM, median_s=30), "b": CALM}, 60))
    assert "b answers faster at p50 (by at least 992 ms) and answers faster at p99" in text
