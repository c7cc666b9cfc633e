"""The benchmark's histogram: small, and right to 0.8 %."""

import random

import pytest

from bench.histogram import Histogram


def filled(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def test_a_quantile_is_right_to_a_hundred_and_twenty_eighth() -> None:
    dice = random.Random(1)
    values = sorted(int(dice.lognormvariate(15, 2)) for _ in range(20_000))
    histogram = filled(values)
    for share in (0.01, 0.5, 0.9, 0.99, 0.999):
        exact = values[int(share * len(values)) - 1]
        assert exact * (1 - 1 / 128) <= histogram.quantile(share) <= exact


def test_short_times_are_kept_exactly() -> None:
    assert filled([3, 100, 255]).counts == {3: 1, 100: 1, 255: 1}


def test_ten_million_different_times_fit_into_few_buckets() -> None:
    histogram = filled(list(range(1_000_000, 10_000_000, 100)))
    assert histogram.total == 90_000
    assert len(histogram.counts) < 500


def test_two_histograms_count_together() -> None:
    both, second = filled([10, 20]), filled([20, 30])
    both.merge(second)
    assert both.counts == {10: 1, 20: 2, 30: 1}


def test_a_histogram_comes_back_from_its_counts() -> None:
    histogram = filled([1_000_000, 2_000_000, 3_000_000])
    assert Histogram(histogram.counts).quantile(0.5) == histogram.quantile(0.5)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_quantile_of_nothing_is_zero(share: float) -> None:
    assert Histogram().quantile(share) == 0


def test_a_time_below_zero_counts_as_zero() -> None:
    assert filled([-5]).counts == {0: 1}
