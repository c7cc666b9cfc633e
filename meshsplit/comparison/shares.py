"""A share of requests, such as those that failed, and the difference of two, at any look.

The evidence against a share p is a mixture likelihood ratio: the probability of what was counted,
averaged over a Beta(1/2, 1/2) distribution, divided by its probability under p. If p is true it is
a martingale that starts at 1, so it ever reaches 1/alpha with probability at most alpha (Ville).
The product of two arms' evidence against (p, q) is one as well, so a difference d is ruled out once
that product has reached 1/alpha for every p and q that are d apart.

Requests in one batch share its fate, so they tell less than as many independent ones would:
counts are *discounted* by how much more they vary from window to window than chance would have it
(Pearson's dispersion, as in quasi-binomial regression), and by as many as share a batch at least.
"""

from dataclasses import dataclass
from math import inf, lgamma, log

from meshsplit.split.statistics import Interval, border

_HALVINGS = 50
"""Steps of the search for the pair that the evidence is weakest against."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many hits among so many, whole or discounted."""

    hits: float
    of: float

    @property
    def seen(self) -> float:
        """The share itself; 0 of nothing."""
        return self.hits / self.of if self.of else 0.0

    def log_evidence(self, share: float) -> float:
        """Return the logarithm of the evidence against a share (0..1)."""
        hits, misses = self.hits, self.of - self.hits
        if (hits and share <= 0) or (misses and share >= 1):
            return inf
        likelihood = hits * log(share) if hits else 0.0
        likelihood += misses * log(1 - share) if misses else 0.0
        return self._log_average() - likelihood

    def slope(self, share: float) -> float:
        """Return how fast the evidence grows as the share does (0 < share < 1)."""
        if not 0 < share < 1:
            return inf if share >= 1 else -inf
        return (self.of - self.hits) / (1 - share) - self.hits / share

    def is_surely_below(self, share: float, alpha: float) -> bool:
        """Whether every share from this one up is ruled out."""
        return self.seen < share and self.log_evidence(share) >= log(1 / alpha)

    def is_surely_above(self, share: float, alpha: float) -> bool:
        """Whether every share below this one, and this one, is ruled out."""
        return self.seen > share and self.log_evidence(share) >= log(1 / alpha)

    def interval(self, alpha: float) -> Interval:
        """Return the shares that are not ruled out."""
        if not self.of:
            return 0.0, 1.0

        def rejected(share: float) -> bool:
            return self.log_evidence(share) >= log(1 / alpha)

        low = 0.0 if not self.hits else border(rejected, 0.0, self.seen)
        return low, 1.0 if self.hits == self.of else border(rejected, 1.0, self.seen)

    def _log_average(self) -> float:
        hits, misses = self.hits + 0.5, self.of - self.hits + 0.5
        return lgamma(hits) + lgamma(misses) - lgamma(self.of + 1) - 2 * lgamma(0.5)


def dispersion(hits: float, of: float, squares: float, windows: float) -> float:
    """Return how much more hits vary from window to window than independent ones would; 1 or more.

    Args:
        hits: in all windows together.
        of: likewise.
        squares: the sum over windows of hits * hits / of.
        windows: how many there were.

    """
    if windows < 2 or not 0 < hits < of:  # noqa: PLR2004 - one window has no variation
        return 1.0
    share = hits / of
    return max(1.0, (squares - of * share * share) / ((windows - 1) * share * (1 - share)))


def difference(first: Share, second: Share, alpha: float) -> Interval:
    """Return the differences (first less second) that are not ruled out."""
    if not first.of or not second.of:
        return -1.0, 1.0

    def rejected(apart: float) -> bool:
        return is_ruled_out(apart, first, second, alpha)

    seen = first.seen - second.seen
    low = -1.0 if seen <= -1 else border(rejected, -1.0, seen)
    return low, 1.0 if seen >= 1 else border(rejected, 1.0, seen)


def is_ruled_out(apart: float, first: Share, second: Share, alpha: float) -> bool:
    """Whether the two can't be so far apart: no pair of shares that are is left."""
    low, high = max(0.0, -apart), min(1.0, 1.0 - apart)

    for _ in range(_HALVINGS):  # the evidence is convex, so its lowest point is where it turns
        middle = (low + high) / 2
        if first.slope(middle + apart) + second.slope(middle) > 0:
            high = middle
        else:
            low = middle
    weakest = (low + high) / 2
    against = first.log_evidence(weakest + apart) + second.log_evidence(weakest)
    return against >= log(1 / alpha)
