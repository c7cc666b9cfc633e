from itertools import pairwise
from math import comb, exp, log
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshsplit.split.statistics import log_evidence, prior_size, state_of, verdict

SHARES = st.floats(0.01, 0.99)
COUNTS = st.integers(0, 10**9)
EVEN = {"a": 50, "b": 50}


def test_nothing_seen_is_insufficient_and_says_how_much_is_needed() -> None:
    found = verdict({"a": 0, "b": 0}, EVEN)
    assert found.state == "insufficient"
    assert found.evidence == 1
    assert found.intervals["a"] == (0, 1)
    assert 5_000 <= found.needed <= 8_000


def test_enough_even_requests_agree() -> None:
    assert verdict({"a": 5_010, "b": 4_990}, EVEN).state == "agrees"


def test_a_small_sample_is_insufficient_even_if_it_is_exactly_as_asked() -> None:
    assert verdict({"a": 100, "b": 100}, EVEN).state == "insufficient"


def test_a_dead_arm_is_seen_after_a_dozen_requests() -> None:
    assert verdict({"a": 13, "b": 0}, EVEN).state == "disagrees"


def test_an_arm_of_weight_zero_that_got_a_request_disagrees() -> None:
    found = verdict({"a": 10**6, "b": 1}, {"a": 100, "b": 0})
    assert found.state == "disagrees"
    assert found.evidence == pytest.approx(1e300)


def test_an_arm_of_weight_zero_that_got_none_agrees() -> None:
    assert verdict({"a": 5_000, "b": 0}, {"a": 100, "b": 0}).state == "agrees"


def test_one_arm_alone_agrees_with_its_first_request() -> None:
    assert verdict({"a": 0}, {"a": 100}).state == "insufficient"
    assert verdict({"a": 1}, {"a": 100}).state == "agrees"


def test_an_arm_that_only_the_counts_name_has_weight_zero() -> None:
    assert verdict({"a": 50, "b": 50, "c": 1}, EVEN).state == "disagrees"


def test_three_arms_are_judged_together() -> None:
    weights = {"a": 60, "b": 30, "c": 10}
    assert verdict({"a": 6_000, "b": 3_000, "c": 1_000}, weights).state == "agrees"
    assert verdict({"a": 6_000, "b": 2_500, "c": 1_500}, weights).state == "disagrees"


def test_a_real_but_tiny_difference_agrees_within_the_tolerance() -> None:
    found = verdict({"a": 5_050_000, "b": 4_950_000}, EVEN)
    assert found.state == "agrees"
    assert found.evidence > 20


def test_weights_of_any_scale_mean_their_shares() -> None:
    counts = {"a": 4_000, "b": 6_000}
    assert verdict(counts, {"a": 2, "b": 3}) == verdict(counts, {"a": 40, "b": 60})


def test_a_billion_requests_are_judged_in_no_time() -> None:
    began = thread_time()
    for _ in range(20):
        assert verdict({"a": 500_000_100, "b": 499_999_900}, EVEN).state == "agrees"
    assert thread_time() - began < 1


@pytest.mark.parametrize(
    ("counts", "weights", "tolerance"),
    [
        ({"a": -1}, {"a": 1}, 0.02),
        ({"a": 1}, {"a": -1, "b": 2}, 0.02),
        ({"a": 1}, {"a": 0}, 0.02),
        ({"a": 1}, {}, 0.02),
        ({"a": 1}, {"a": 1}, 0),
    ],
)
def test_nonsense_is_refused(
    counts: dict[str, int], weights: dict[str, float], tolerance: float
) -> None:
    with pytest.raises(ValueError, match="0"):
        verdict(counts, weights, tolerance)


@given(share=SHARES, first=COUNTS, second=COUNTS)
def test_the_interval_holds_what_was_seen_and_is_within_0_and_1(
    share: float, first: int, second: int
) -> None:
    found = verdict({"a": first, "b": second}, {"a": share, "b": 1 - share})
    for name, count in (("a", first), ("b", second)):
        for low, high in (found.intervals[name], found.one_look_intervals[name]):
            assert 0 <= low <= high <= 1
            if first + second:
                assert low - 1e-9 <= count / (first + second) <= high + 1e-9


@given(share=SHARES, first=st.integers(0, 10**6), second=st.integers(0, 10**6))
def test_two_arms_mirror_each_other(share: float, first: int, second: int) -> None:
    one = verdict({"a": first, "b": second}, {"a": share, "b": 1 - share})
    other = verdict({"b": second, "a": first}, {"b": 1 - share, "a": share})
    assert one.state == other.state
    assert one.evidence == pytest.approx(other.evidence, rel=1e-6)


@given(share=SHARES, first=st.integers(0, 10**5), second=st.integers(0, 10**5))
def test_the_interval_leaves_out_the_asked_share_just_when_the_evidence_is_enough(
    share: float, first: int, second: int
) -> None:
    size = prior_size(0.02, 0.05)
    evidence = log_evidence((first, second), (share, 1 - share), size)
    low, high = verdict({"a": first, "b": second}, {"a": share, "b": 1 - share}).intervals["a"]
    if abs(evidence - log(20)) > 1e-3:
        assert (low - 1e-9 <= share <= high + 1e-9) == (evidence < log(20))


@settings(max_examples=25)
@given(share=st.floats(0.05, 0.95), total=st.integers(1, 60))
def test_the_evidence_is_1_on_average_if_the_asked_share_is_true(share: float, total: int) -> None:
    size = prior_size(0.02, 0.05)
    average = sum(
        comb(total, n)
        * share**n
        * (1 - share) ** (total - n)
        * exp(log_evidence((n, total - n), (share, 1 - share), size))
        for n in range(total + 1)
    )
    assert average == pytest.approx(1, rel=1e-9)


@given(st.lists(st.integers(100, 10**5), min_size=2, max_size=6, unique=True))
def test_more_of_the_same_never_widens_the_interval(totals: list[int]) -> None:
    widths = []
    for total in sorted(totals):
        low, high = verdict({"a": 2 * total, "b": 2 * total}, EVEN).intervals["a"]
        widths.append(high - low)
    assert all(wide >= narrow for wide, narrow in pairwise(widths))


def test_the_estimate_of_what_is_needed_is_enough_if_requests_come_as_asked() -> None:
    for counts in ({"a": 0, "b": 0}, {"a": 1_030, "b": 970}, {"a": 2_500, "b": 2_400}):
        needed = verdict(counts, EVEN).needed
        later = {name: count + needed // 2 for name, count in counts.items()}
        assert verdict(later, EVEN).state == "agrees"


@given(
    weights=st.lists(st.integers(0, 100), min_size=2, max_size=4).filter(any),
    data=st.data(),
)
def test_it_agrees_just_when_every_interval_is_within_the_tolerance(
    weights: list[int], data: st.DataObject
) -> None:
    names = "abcd"[: len(weights)]
    asked = dict(zip(names, weights, strict=True))
    total = data.draw(st.integers(1, 10**6))
    counts = {
        name: max(0, round(total * weight / sum(weights)) + data.draw(st.integers(-200, 200)))
        for name, weight in asked.items()
        if weight
    }
    found = verdict(counts, asked)
    gaps = [
        found.tolerance
        - max(abs(low - asked[n] / sum(weights)), abs(high - asked[n] / sum(weights)))
        for n, (low, high) in found.intervals.items()
    ]
    assert found.state == state_of(counts, asked)
    if len(counts) > 1 and min(map(abs, gaps)) > 1e-6:
        assert (found.state == "agrees") == (min(gaps) > 0)
