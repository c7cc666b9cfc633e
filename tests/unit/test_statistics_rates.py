"""The stated error rates and power, by playing many runs that are looked at all the time."""

from random import Random

import pytest

from meshsplit.split.statistics import State, state_of

ALPHA = 0.05
RUNS = 200


def verdicts_ever(
    true: tuple[float, ...], asked: tuple[float, ...], requests: int, runs: int = RUNS
) -> list[dict[State, int]]:
    """Play runs of requests; for each, say at which request each verdict was first given."""
    random = Random(20_240_817)
    names = "abcdef"[: len(true)]
    weights = dict(zip(names, asked, strict=True))
    played = []
    for _ in range(runs):
        counts = dict.fromkeys(names, 0)
        first: dict[State, int] = {}
        seen = 0
        while seen < requests:
            step = max(10, seen // 20)  # often at first; later looks say nearly the same
            seen += step
            for name in random.choices(names, true, k=step):
                counts[name] += 1
            first.setdefault(state_of(counts, weights, alpha=ALPHA), seen)
        played.append(first)
    return played


def share_of(played: list[dict[State, int]], state: State, within: int = 10**9) -> float:
    return sum(first.get(state, 10**10) <= within for first in played) / len(played)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.6, 0.3, 0.1)])
def test_a_true_split_is_seldom_ever_said_to_disagree_and_soon_agrees(
    shares: tuple[float, ...],
) -> None:
    played = verdicts_ever(shares, shares, 16_000, runs=100)
    assert share_of(played, "disagrees") <= ALPHA
    assert share_of(played, "agrees", within=16_000) >= 0.9


def test_55_to_45_is_found_out_and_hardly_ever_passes_as_50_to_50() -> None:
    played = verdicts_ever((0.55, 0.45), (0.5, 0.5), 5_000)
    assert share_of(played, "agrees") <= ALPHA
    assert share_of(played, "disagrees", within=3_000) >= 0.9


def test_just_beyond_the_tolerance_seldom_ever_passes() -> None:
    played = verdicts_ever((0.5205, 0.4795), (0.5, 0.5), 15_000, runs=100)
    assert share_of(played, "agrees") <= ALPHA


def test_85_to_15_is_found_out_when_90_to_10_was_asked() -> None:
    played = verdicts_ever((0.85, 0.15), (0.9, 0.1), 3_000)
    assert share_of(played, "agrees") <= ALPHA
    assert share_of(played, "disagrees", within=2_000) >= 0.9
