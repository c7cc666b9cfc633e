"""What arms are compared by: the share of errors, the times' quantiles, the cost of a record.

A pair of arms *differs* in a measure once the interval of its difference leaves out 0, is *alike*
once the interval lies within the measure's margin, and is *open* until then. The interval holds at
every look at once, so with the probability stated neither is ever said wrongly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Final, Literal, Protocol

from meshsplit.comparison.evidence import ArmEvidence, Evidence
from meshsplit.comparison.shares import Share, difference, is_ruled_out
from meshsplit.split.statistics import log_evidence

State = Literal["differs", "alike", "open"]
Bounds = tuple[float | None, float | None]
"""An interval; None where it has no end that is known."""

LEAST_WINDOWS: Final = 6
"""In fewer windows it can't be told how much requests of one window have in common."""

_ERRORS_WORTH: Final = 4.0
"""How many errors' worth the prior holds on to the arms failing alike."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One arm's value."""

    estimate: float | None
    interval: Bounds
    of: int
    """How many requests it rests on; windows, for the cost."""


class Measure(Protocol):
    """Something that arms can be compared by."""

    @property
    def name(self) -> str:
        """What it is called in answers."""

    @property
    def unit(self) -> str:
        """What its values are in: ``ratio`` or ``seconds``."""

    @property
    def margin(self) -> str:
        """The difference that is too small to matter, in words."""

    def reading(self, arm: ArmEvidence, alpha: float) -> Reading:
        """Return an arm's value, with an interval that is ever wrong with probability alpha."""

    def difference(self, known: Evidence, pair: tuple[str, str], alpha: float) -> Bounds:
        """Return the interval of the pair's difference, first less second."""

    def state(
        self, known: Evidence, pair: tuple[str, str], alpha: float, factor: float = 1.0
    ) -> State:
        """Judge a pair; with a factor as if so many times as many windows like these were seen."""


class ErrorShare:
    """Which share of an arm's requests got a 5xx, as the gateway counts.

    Whether two arms differ is asked of the errors alone: the weights are dice, so if arms fail
    alike, each error falls to an arm with the probability that any request does. That needs far
    fewer errors than two shares that are each known well, and an outage that hits both arms is no
    evidence. How far apart they can be is asked of the two shares; each gets half of alpha.
    """

    name, unit, margin = "errors", "ratio", "half a point"
    _margin = 0.005

    def reading(self, arm: ArmEvidence, alpha: float) -> Reading:
        """Return an arm's share of errors."""
        if not arm.errors.of:
            return Reading(None, (None, None), 0)
        interval = (0.0, 1.0)
        if arm.answered_windows >= LEAST_WINDOWS:
            worth = 1 / arm.discount(arm.errors, arm.answered_windows)
            interval = arm.errors.share(worth).interval(alpha)
        return Reading(arm.errors.hits / arm.errors.of, interval, round(arm.errors.of))

    def difference(self, known: Evidence, pair: tuple[str, str], alpha: float) -> Bounds:
        """Return the interval of the difference of two shares."""
        shares = self._shares(known, pair, 1.0)
        return (None, None) if shares is None else difference(*shares, alpha / 2)

    def state(
        self, known: Evidence, pair: tuple[str, str], alpha: float, factor: float = 1.0
    ) -> State:
        """Judge a pair's shares of errors."""
        shares = self._shares(known, pair, factor)
        if shares is None:
            return "open"
        first, second = shares
        requests = first.of + second.of
        expected = (first.of / requests, second.of / requests)
        evidence = log_evidence((first.hits, second.hits), expected, _ERRORS_WORTH)
        if evidence >= log(2 / alpha):
            return "differs"
        within = abs(first.seen - second.seen) < self._margin and all(
            is_ruled_out(edge, first, second, alpha / 2) for edge in (-self._margin, self._margin)
        )
        return "alike" if within else "open"

    def _shares(
        self, known: Evidence, pair: tuple[str, str], factor: float
    ) -> tuple[Share, Share] | None:
        arms = [known.arms[name] for name in pair]
        if min(arm.answered_windows for arm in arms) * factor < LEAST_WINDOWS:
            return None
        # One discount for both, so that the errors are still split as the requests are.
        worth = factor / max(arm.discount(arm.errors, arm.answered_windows) for arm in arms)
        return arms[0].errors.share(worth), arms[1].errors.share(worth)


@dataclass(frozen=True)
class Quantile:
    """A quantile of the time from a request's headers to its answer, as the arm times it."""

    name: str
    quantile: float
    unit: str = "seconds"
    margin: str = "a bucket of the histogram"

    def reading(self, arm: ArmEvidence, alpha: float) -> Reading:
        """Return an arm's quantile: estimated in its bucket, bounded by buckets."""
        if not arm.timed:
            return Reading(None, (None, None), 0)
        times = arm.times()
        interval: Bounds = (0.0, None)
        if arm.timed_windows >= LEAST_WINDOWS:
            interval = times.edges(times.buckets(self.quantile, alpha))
        return Reading(times.estimate(self.quantile), interval, round(arm.timed))

    def difference(self, known: Evidence, pair: tuple[str, str], alpha: float) -> Bounds:
        """Return the interval of the difference, from near edge to far edge."""
        arms = [known.arms[name] for name in pair]
        if min(arm.timed_windows for arm in arms) < LEAST_WINDOWS:
            return None, None
        times = [arm.times() for arm in arms]
        edges = [each.edges(each.buckets(self.quantile, alpha / 2)) for each in times]
        (low, high), (other_low, other_high) = edges
        return (
            None if other_high is None else low - other_high,
            None if high is None else high - other_low,
        )

    def state(
        self, known: Evidence, pair: tuple[str, str], alpha: float, factor: float = 1.0
    ) -> State:
        """Judge a pair's quantiles by the buckets they may lie in."""
        arms = [known.arms[name] for name in pair]
        if min(arm.timed_windows for arm in arms) * factor < LEAST_WINDOWS:
            return "open"
        found = [arm.times(factor).buckets(self.quantile, alpha / 2) for arm in arms]
        (low, high), (other_low, other_high) = found
        if high < other_low or other_high < low:
            return "differs"
        return "alike" if low == high == other_low == other_high else "open"


class Cost:
    """Seconds of CPU that the arm's services take for a record; stores and proxies not counted."""

    name, unit, margin = "cpu", "seconds", "a tenth"
    _margin = 0.1

    def reading(self, arm: ArmEvidence, alpha: float) -> Reading:
        """Return an arm's cost."""
        if not arm.cost.windows:
            return Reading(None, (None, None), 0)
        low, high = arm.cost.interval(alpha)
        ends = (max(0.0, low), None if high == inf else high)
        return Reading(arm.cost.mean, ends, round(arm.cost.windows))

    def difference(self, known: Evidence, pair: tuple[str, str], alpha: float) -> Bounds:
        """Return the interval of the difference, from windows in which both had records."""
        low, high = known.savings[pair].interval(alpha)
        return None if low == -inf else low, None if high == inf else high

    def state(
        self, known: Evidence, pair: tuple[str, str], alpha: float, factor: float = 1.0
    ) -> State:
        """Judge a pair's costs."""
        low, high = known.savings[pair].times(factor).interval(alpha)
        if low > 0 or high < 0:
            return "differs"
        margin = self._margin * min(known.arms[name].cost.mean for name in pair)
        return "alike" if -margin < low and high < margin else "open"


MEASURES: Final[tuple[Measure, ...]] = (
    ErrorShare(),
    Quantile("p50", 0.5),
    Quantile("p99", 0.99),
    Cost(),
)

Judge = Callable[[float], bool]


def needed_factor(decided: Judge) -> float | None:
    """Return about how many times as much as was seen decides; None if a hundred times doesn't."""
    high = 1.0
    while not decided(high):
        high *= 2
        if high > 128:  # noqa: PLR2004 - beyond this nothing is foreseen
            return None
    low = high / 2
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high
