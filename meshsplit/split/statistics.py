"""Whether observed counts agree with asked shares, however often one looks.

The counts are looked at again and again, so a test that is right for one look would in time
reject anything. What is used here is always valid:

* The *evidence* against a point p of shares is a mixture likelihood ratio: the probability of
  the counts, averaged over Dirichlet distributions around p (and one broad one), divided by their
  probability under p. If p is true it is a martingale that starts at 1, so by Ville's inequality
  it ever reaches 1/alpha with probability at most alpha (Robbins 1970; Howard, Ramdas et al. 2021).
* The *confidence sequence* of an arm's share is every p that the evidence of its own counts
  against the rest has never been enough to reject now.

``agrees``: every arm's confidence sequence lies within the tolerance of its asked share. If a
share truly is further off than that, this is ever said with probability at most alpha.
``disagrees``: the evidence against the asked shares has reached 1/alpha. If they are true, this is
ever said with probability at most alpha. Where both hold, the difference is real and too small to
matter, and the verdict is ``agrees``. An arm that is asked for nothing and got anything disagrees.

Power, simulated with alpha 0.05, a tolerance of 2 points and some sixty looks a run: what truly is
50/50 agrees after about 8,600 requests (9 of 10 runs: 14,000), 90/10 after 3,200 (5,000); what
truly is 55/45 is known not to be 50/50 after 1,100 (2,000). A true 50/50 was ever said to disagree
in 1.3 % of the runs, a true 52.05/47.95 ever to agree in 1 %.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, inf, lgamma, log, log1p, sqrt
from typing import Literal

State = Literal["agrees", "disagrees", "insufficient"]

MOST_EVIDENCE = 1e300
"""What an infinite e-value is told as: JSON has no infinity."""

_BROAD_SHARE = 0.1
_BROAD_SIZE = 2.0
_WILSON = {0.05: 1.959963984540054, 0.01: 2.5758293035489004, 0.1: 1.6448536269514722}

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, with the numbers it rests on."""

    state: State
    confidence: float
    """1 - alpha, of every statement here at once over all looks."""
    tolerance: float
    """How far a share may be off, 0..1, and still agree."""
    evidence: float
    """The e-value against the asked shares; 1/alpha and more is enough."""
    intervals: dict[str, Interval]
    """The confidence sequence of each arm's share: holds at every look."""
    one_look_intervals: dict[str, Interval]
    """Wilson's interval of each arm's share: holds only for one look planned beforehand."""
    needed: int
    """About how many more requests a verdict takes, if they come as asked; 0 with a verdict."""
    text: str
    """One sentence."""


def verdict(
    counts: Mapping[str, int],
    weights: Mapping[str, float],
    tolerance: float = 0.02,
    alpha: float = 0.05,
    unit: str = "requests",
) -> Verdict:
    """Compare ``counts`` by arm with ``weights`` by arm (any scale).

    An arm that only one of them names has 0 in the other. ``unit`` is what was counted, in the
    text's words.

    Raises:
        ValueError: a negative or missing weight or count, a tolerance or alpha outside 0..1.
    """
    shares, numbers = _checked(counts, weights, tolerance, alpha)
    total = sum(numbers.values())
    size = prior_size(tolerance, alpha)
    state, evidence = _judged(numbers, shares, size, tolerance, alpha)
    intervals = {n: confidence_sequence(numbers[n], total, size, alpha) for n in shares}
    if len(shares) == 1 and total:
        intervals = dict.fromkeys(shares, (1.0, 1.0))  # there is nothing else it could have been
    needed = 0
    if state == "insufficient":
        needed = _needed(numbers, shares, size, tolerance, alpha)
    return Verdict(
        state=state,
        confidence=1 - alpha,
        tolerance=tolerance,
        evidence=exp(min(evidence, log(MOST_EVIDENCE))),
        intervals=intervals,
        one_look_intervals={n: one_look_interval(numbers[n], total, alpha) for n in shares},
        needed=needed,
        text=_sentence(state, numbers, shares, needed, tolerance=tolerance, unit=unit),
    )


def state_of(
    counts: Mapping[str, int],
    weights: Mapping[str, float],
    tolerance: float = 0.02,
    alpha: float = 0.05,
) -> State:
    """Return the verdict's state alone, which is a good deal cheaper than all of its numbers."""
    shares, numbers = _checked(counts, weights, tolerance, alpha)
    return _judged(numbers, shares, prior_size(tolerance, alpha), tolerance, alpha)[0]


def log_evidence(counts: Sequence[float], shares: Sequence[float], size: float) -> float:
    """Return the logarithm of the evidence that ``counts`` are against ``shares`` (sum 1).

    ``size`` is the prior's: how many requests' worth it holds on to ``shares``.
    """
    if any(count and not share for count, share in zip(counts, shares, strict=True)):
        return inf
    pairs = [(n, p) for n, p in zip(counts, shares, strict=True) if p > 0]
    if len(pairs) == 1:
        return 0.0
    null = sum(n * log(p) for n, p in pairs)
    near = _log_marginal([(n, size * p) for n, p in pairs]) - null
    broad = _log_marginal([(n, _BROAD_SIZE / len(pairs)) for n, _ in pairs]) - null
    return _log_add(near + log1p(-_BROAD_SHARE), broad + log(_BROAD_SHARE))


def prior_size(tolerance: float, alpha: float) -> float:
    """Return the size at which the sequence is tightest about when it reaches ``tolerance``.

    From the normal mixture's width, at the worst share (1/2): there it is reached after about
    n = (x/4) / tolerance^2 requests, x = 2 ln(1/alpha) + ln(2 ln(1/alpha) + 1), with n/x best.
    """
    level = 2 * log(1 / alpha)
    x = level + log(level + 1)
    return max(2.0, 0.25 / (tolerance * tolerance) * (x + 1) / x)


def confidence_sequence(count: int, total: int, size: float, alpha: float) -> Interval:
    """Return the shares that ``count`` of ``total`` has not ruled out, at any look."""
    if total == 0:
        return 0.0, 1.0
    limit = log(1 / alpha)

    def rejected(share: float) -> bool:
        return log_evidence((count, total - count), (share, 1 - share), size) >= limit

    seen = count / total
    low = 0.0 if count == 0 else border(rejected, 0.0, seen)
    high = 1.0 if count == total else border(rejected, 1.0, seen)
    return low, high


def one_look_interval(count: int, total: int, alpha: float) -> Interval:
    """Return Wilson's interval: right for a single look at a number of requests fixed before."""
    if total == 0:
        return 0.0, 1.0
    z = _WILSON.get(alpha) or _normal_quantile(1 - alpha / 2)
    share, z2 = count / total, z * z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = z / (1 + z2 / total) * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def _checked(
    counts: Mapping[str, int], weights: Mapping[str, float], tolerance: float, alpha: float
) -> tuple[dict[str, float], dict[str, int]]:
    if not 0 < tolerance < 1 or not 0 < alpha < 1:
        raise ValueError(f"tolerance {tolerance} and alpha {alpha} lie between 0 and 1")
    if any(weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
        raise ValueError(f"weights are 0 or more, and one of them is more: {dict(weights)}")
    if any(count < 0 for count in counts.values()):
        raise ValueError(f"counts are 0 or more: {dict(counts)}")
    names = list(dict.fromkeys([*weights, *counts]))
    whole = sum(weights.values())
    shares = {name: weights.get(name, 0) / whole for name in names}
    return shares, {name: counts.get(name, 0) for name in names}


def _judged(
    counts: Mapping[str, int],
    shares: Mapping[str, float],
    size: float,
    tolerance: float,
    alpha: float,
) -> tuple[State, float]:
    """Return the state, and the logarithm of the evidence against the asked shares."""
    evidence = log_evidence(list(counts.values()), list(shares.values()), size)
    total = sum(counts.values())
    if evidence == inf:
        return "disagrees", evidence
    if len(shares) == 1 and total:
        return "agrees", evidence
    if total and all(
        _within(counts[name], total, share, size=size, tolerance=tolerance, alpha=alpha)
        for name, share in shares.items()
    ):
        return "agrees", evidence
    return ("disagrees" if evidence >= log(1 / alpha) else "insufficient"), evidence


def _within(
    count: int, total: int, share: float, *, size: float, tolerance: float, alpha: float
) -> bool:
    """Whether the confidence sequence lies within the tolerance: both edges are ruled out."""
    if abs(count / total - share) >= tolerance:
        return False
    return all(
        log_evidence((count, total - count), (edge, 1 - edge), size) >= log(1 / alpha)
        for edge in (share - tolerance, share + tolerance)
        if 0 < edge < 1
    )


def _log_marginal(pairs: Sequence[tuple[float, float]]) -> float:
    """Return log of the probability of a sequence with these counts under a Dirichlet prior."""
    count = sum(n for n, _ in pairs)
    size = sum(a for _, a in pairs)
    return lgamma(size) - lgamma(size + count) + sum(lgamma(a + n) - lgamma(a) for n, a in pairs)


def _log_add(first: float, second: float) -> float:
    high, low = max(first, second), min(first, second)
    return high + log1p(exp(low - high))


def border(rejected: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return where rejection begins between ``inside`` (never rejected) and ``outside``."""
    for _ in range(40):
        middle = (outside + inside) / 2
        if rejected(middle):
            outside = middle
        else:
            inside = middle
    return inside if abs(inside - outside) > 1e-12 else outside  # noqa: PLR2004 - rounding


def _needed(
    counts: Mapping[str, int],
    shares: Mapping[str, float],
    size: float,
    tolerance: float,
    alpha: float,
) -> int:
    """Return about how many more requests, coming as asked, bring every arm within tolerance."""
    total = sum(counts.values())

    def enough(more: int) -> bool:
        return all(
            _within(
                round(counts[n] + share * more),
                total + more,
                share,
                size=size,
                tolerance=tolerance,
                alpha=alpha,
            )
            for n, share in shares.items()
        )

    high = 16
    while not enough(high):
        if high > 1 << 40:
            return high
        high *= 2
    low = high // 2 if high > 16 else 0  # noqa: PLR2004 - the first step
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    step = int(10 ** max(0, len(str(high)) - 2))
    return ceil(high / step) * step


def _sentence(
    state: State,
    counts: Mapping[str, int],
    shares: Mapping[str, float],
    needed: int,
    *,
    tolerance: float,
    unit: str,
) -> str:
    total = sum(counts.values())
    asked = " / ".join(f"{name} {share * 100:g} %" for name, share in shares.items())
    if total == 0:
        return f"No {unit} yet; about {needed:,} are needed to compare them with {asked}."
    seen = " / ".join(f"{name} {counts[name] / total * 100:.1f} %" for name in shares)
    if state == "agrees":
        return f"{seen} of {total:,} {unit}: within {tolerance * 100:g} points of {asked}."
    if state == "disagrees":
        return f"{seen} of {total:,} {unit}: that is not {asked}."
    return f"{seen} of {total:,} {unit}: about {needed:,} more are needed to tell."


def _normal_quantile(probability: float) -> float:
    from statistics import NormalDist  # noqa: PLC0415 - only for an unusual alpha

    return NormalDist().inv_cdf(probability)
