"""A mean of windows, such as a record's cost, at any look.

The evidence against a mean m is the t-test's mixture likelihood ratio: the effect (x - m)/sigma has
a normal prior around 0, sigma none (right Haar). For normal windows it is a martingale whatever
sigma is, so it ever reaches 1/alpha with probability at most alpha (Lai 1976; Wang, Ramdas 2023).
Costs are sums over many records, which is what makes windows of them nearly normal.
"""

from dataclasses import dataclass
from math import exp, inf, log, sqrt

from meshsplit.split.statistics import Interval

_PRIOR = 1.0
"""How many windows' worth the prior holds on to m: at 1, eight windows give a first interval."""


@dataclass(frozen=True, slots=True)
class Mean:
    """What is known of windows: how many, their mean, and the sum of the squares around it."""

    windows: float = 0
    mean: float = 0.0
    squares: float = 0.0

    def with_one_more(self, value: float) -> "Mean":
        """Return it with another window taken in."""
        windows = self.windows + 1
        mean = self.mean + (value - self.mean) / windows
        return Mean(windows, mean, self.squares + (value - self.mean) * (value - mean))

    def times(self, factor: float) -> "Mean":
        """Return what it would be with so many times as many windows like these."""
        return Mean(self.windows * factor, self.mean, self.squares * factor)

    def interval(self, alpha: float) -> Interval:
        """Return the means that are not ruled out: all of them while there are too few windows."""
        n = self.windows
        if n < 2:  # noqa: PLR2004 - one window has no variation
            return -inf, inf
        # Evidence stays below 1/alpha while (1 + T²/(n-1)) / (1 + T²/(n-1) * c/(n+c)) < most.
        level = (2 * log(1 / alpha) + log((n + _PRIOR) / _PRIOR)) / n
        most = exp(min(level, 700))
        room = n + _PRIOR - most * _PRIOR
        if room <= 0:
            return -inf, inf
        width = sqrt((n + _PRIOR) * self.squares * (most - 1) / (n * room))
        return self.mean - width, self.mean + width
