from math import inf, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshsplit.comparison.means import Mean
from meshsplit.comparison.quantiles import Times
from meshsplit.comparison.shares import Share, difference, dispersion, is_ruled_out

COUNTS = st.integers(0, 10**6)


@given(hits=COUNTS, misses=COUNTS)
def test_a_shares_interval_holds_what_was_seen_and_ends_where_the_evidence_is_enough(
    hits: int, misses: int
) -> None:
    share = Share(hits, hits + misses)
    low, high = share.interval(0.05)
    assert 0 <= low <= high <= 1
    if hits + misses:
        assert low <= share.seen <= high
    for end in (low, high):
        if 0 < end < 1:
            assert share.log_evidence(end) == pytest.approx(log(20), abs=1e-3)


def test_a_share_of_nothing_may_be_anything() -> None:
    assert Share(0, 0).interval(0.05) == (0, 1)
    assert difference(Share(0, 0), Share(3, 10), 0.05) == (-1, 1)


@given(first=st.tuples(COUNTS, COUNTS), second=st.tuples(COUNTS, COUNTS))
def test_a_difference_holds_what_was_seen_and_mirrors_itself(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    one, other = Share(first[0], sum(first)), Share(second[0], sum(second))
    low, high = difference(one, other, 0.05)
    assert -1 <= low <= high <= 1
    if one.of and other.of:
        assert low - 1e-9 <= one.seen - other.seen <= high + 1e-9
    mirrored = difference(other, one, 0.05)
    assert (-mirrored[1], -mirrored[0]) == pytest.approx((low, high), abs=1e-6)


def test_a_difference_is_ruled_out_just_where_its_interval_ends() -> None:
    first, second = Share(30, 1000), Share(90, 1000)
    low, high = difference(first, second, 0.05)
    assert low < high < 0
    assert is_ruled_out(high + 1e-4, first, second, 0.05)
    assert not is_ruled_out(high - 1e-4, first, second, 0.05)
    assert is_ruled_out(low - 1e-4, first, second, 0.05)


def test_requests_that_share_a_fate_count_for_fewer() -> None:
    even = [5.0] * 20
    bunched = [0.0] * 19 + [100.0]
    for hits, least, most in ((even, 1, 1), (bunched, 90, 110)):
        found = dispersion(sum(hits), 20 * 500, sum(h * h / 500 for h in hits), 20)
        assert least <= found <= most


def test_a_means_interval_is_open_at_first_and_closes_in_on_the_truth() -> None:
    dice, mean, widths = Random(5), Mean(), []
    assert mean.interval(0.01) == (-inf, inf)
    for _ in range(200):
        mean = mean.with_one_more(dice.gauss(3, 0.3))
        low, high = mean.interval(0.01)
        assert low <= 3 <= high
        widths.append(high - low)
    assert widths[3] == inf
    assert widths[10] > widths[50] > widths[-1]
    assert widths[-1] < 0.2


def test_a_mean_of_windows_that_are_all_the_same_is_known() -> None:
    mean = Mean()
    for _ in range(20):
        mean = mean.with_one_more(2.0)
    assert mean.interval(0.05) == (2.0, 2.0)


def test_a_mean_misses_the_truth_at_any_look_no_more_often_than_stated() -> None:
    dice, missed = Random(11), 0
    for _ in range(300):
        mean = Mean()
        for _ in range(150):
            mean = mean.with_one_more(dice.gauss(1, 0.1))
            low, high = mean.interval(0.05)
            if not low <= 1 <= high:
                missed += 1
                break
    assert missed / 300 <= 0.05


def times(*within: float, of: float) -> Times:
    bounds = (0.005, 0.01, 0.025, 0.05)
    return Times(bounds, tuple(Share(count, of) for count in within))


def test_a_quantile_is_estimated_on_a_line_within_its_bucket() -> None:
    assert times(0, 100, 100, 100, of=100).estimate(0.5) == pytest.approx(0.0075)
    assert times(100, 100, 100, 100, of=100).estimate(0.5) == pytest.approx(0.0025)
    assert times(0, 0, 0, 10, of=100).estimate(0.5) is None


def test_a_quantile_surely_lies_in_buckets_and_never_between() -> None:
    many = times(100, 9_000, 10_000, 10_000, of=10_000)
    assert many.edges(many.buckets(0.5, 0.01)) == (0.005, 0.01)
    few = times(4, 16, 20, 20, of=20)
    assert few.edges(few.buckets(0.5, 0.01)) == (0.0, 0.025)


def test_a_quantile_beyond_the_last_bound_has_no_end() -> None:
    slow = times(0, 0, 0, 9_000, of=10_000)
    assert slow.edges(slow.buckets(0.99, 0.01)) == (0.05, None)
    unknown = times(0, 0, 0, 0, of=0)
    assert unknown.edges(unknown.buckets(0.5, 0.01)) == (0.0, None)
