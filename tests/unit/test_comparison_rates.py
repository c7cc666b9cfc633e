"""The stated error rates and power, by playing many runs that are looked at after each window."""

from collections.abc import Mapping
from dataclasses import replace
from math import exp, inf
from random import Random

import pytest

from meshsplit.comparison.comparison import ALPHA, compare
from meshsplit.comparison.evidence import Evidence
from meshsplit.comparison.measures import MEASURES, State
from tests.arm_traffic import WINDOW_S, Traffic, window

NAMES = [measure.name for measure in MEASURES]
First = dict[tuple[str, State], int]
"""At how many requests each measure was first judged so."""


def play(arms: Mapping[str, Traffic], windows: int, runs: int) -> list[First]:
    dice = Random(20_261_125)
    played = []
    for _ in range(runs):
        known, first, requests = Evidence.of(list(arms)), First(), 0.0
        alpha = ALPHA / (len(MEASURES) * len(known.savings))
        for _ in range(windows):
            increase = window(dice, arms)
            requests += sum(increase.answers.values())
            known.take(increase, WINDOW_S)
            for measure in MEASURES:
                for pair in known.savings:
                    judged = measure.state(known, pair, alpha)
                    first.setdefault((measure.name, judged), round(requests))
        played.append(first)
    return played


def share_of(played: list[First], name: str, state: State, within: int = 10**9) -> float:
    return sum(first.get((name, state), 10**10) <= within for first in played) / len(played)


def false_alarms(played: list[First]) -> float:
    return sum(any((n, "differs") in first for n in NAMES) for first in played) / len(played)


@pytest.mark.parametrize("batch", [1, 5, 20], ids="requests in batches of {}".format)
def test_arms_that_are_the_same_are_seldom_ever_said_to_differ_in_anything(batch: int) -> None:
    same = Traffic(batch=batch)
    played = play({"a": same, "b": same}, windows=60, runs=200)
    assert false_alarms(played) <= ALPHA


def test_three_arms_that_are_the_same_make_no_more_false_alarms_than_two() -> None:
    same = Traffic(batch=3)
    assert false_alarms(play(dict.fromkeys("abc", same), windows=40, runs=100)) <= ALPHA


def test_a_split_that_is_not_even_makes_no_more_false_alarms() -> None:
    same = Traffic(batch=3)
    arms = {"a": replace(same, requests=450), "b": replace(same, requests=60)}
    assert false_alarms(play(arms, windows=40, runs=100)) <= ALPHA


def test_arms_that_are_the_same_are_soon_said_to_be_alike() -> None:
    same = Traffic(errors=0)
    played = play({"a": same, "b": same}, windows=60, runs=30)
    assert share_of(played, "errors", "alike", within=6_500) >= 0.9
    assert share_of(played, "p50", "alike", within=6_000) >= 0.9
    assert share_of(played, "p99", "alike", within=12_000) >= 0.9
    assert share_of(played, "cpu", "alike", within=25_000) >= 0.9


def test_a_real_difference_is_found_within_the_stated_number_of_requests() -> None:
    arms = {"a": Traffic(), "b": Traffic(errors=0.03, median_s=0.012, cpu_s=0.0006)}
    played = play(arms, windows=60, runs=50)
    assert share_of(played, "errors", "differs", within=8_000) >= 0.9
    assert share_of(played, "p50", "differs", within=5_000) >= 0.9
    assert share_of(played, "p99", "differs", within=12_000) >= 0.9
    assert share_of(played, "cpu", "differs", within=10_000) >= 0.9
    for name in NAMES:
        assert share_of(played, name, "alike") <= ALPHA


def test_an_outage_that_hits_every_arm_is_no_difference() -> None:
    dice = Random(3)
    calm, hit = Traffic(errors=0), Traffic(errors=0.5, median_s=0.4, batch=20)
    alarms = 0
    for _ in range(60):
        known = Evidence.of(["a", "b"])
        said = set()
        for number in range(30):
            known.take(window(dice, dict.fromkeys("ab", hit if number == 12 else calm)), WINDOW_S)
            said |= {m.state(known, ("a", "b"), ALPHA / len(MEASURES)) for m in MEASURES}
        alarms += "differs" in said
    assert alarms / 60 <= ALPHA


@pytest.mark.parametrize("batch", [1, 5, 20], ids="requests in batches of {}".format)
def test_no_interval_ever_misses_the_truth_more_often_than_stated(batch: int) -> None:
    true = Traffic(batch=batch)
    truths = {
        "errors": true.errors,
        "p50": true.median_s,
        "p99": true.median_s * exp(0.5 * 2.3263),
        "cpu": true.cpu_s,
    }
    dice, missed = Random(8), 0
    for _ in range(60):
        known, hold = Evidence.of(["a", "b"]), True
        for _ in range(30):
            known.take(window(dice, dict.fromkeys("ab", true)), WINDOW_S)
            for measure in compare(known).measures:
                for reading in measure.readings.values():
                    low, high = reading.interval
                    upper = inf if high is None else high
                    hold = hold and (low or 0.0) <= truths[measure.name] <= upper
        missed += not hold
    assert missed / 60 <= ALPHA
