"""A quantile of times that were counted in buckets, at any look.

What is counted tells only how many requests took at most each bound. So what is surely known of a
quantile is the buckets it may lie in: it lies above a bound once the share at most that bound is
surely below the quantile's, and at or below it once that share is surely above. Only the two bounds
next to the true quantile can mislead, so the errors don't add up over bounds. Within a bucket the
estimate is a straight line, as Prometheus' histogram_quantile draws it; the interval never is.
"""

from dataclasses import dataclass

from meshsplit.comparison.shares import Share


@dataclass(frozen=True, slots=True)
class Times:
    """For each bound in seconds, ascending and without infinity, the share of requests within."""

    bounds: tuple[float, ...]
    within: tuple[Share, ...]

    def buckets(self, quantile: float, alpha: float) -> tuple[int, int]:
        """Return the first and the last bucket that the quantile may lie in.

        Bucket i ends with bound i; the one after the last bound has no end.
        """
        below = [share.is_surely_below(quantile, alpha / 2) for share in self.within]
        above = [share.is_surely_above(quantile, alpha / 2) for share in self.within]
        first = len(below) - below[::-1].index(True) if True in below else 0
        return first, above.index(True) if True in above else len(above)

    def edges(self, buckets: tuple[int, int]) -> tuple[float, float | None]:
        """Return where a range of buckets begins and ends, in seconds; None has no end."""
        first, last = buckets
        low = self.bounds[first - 1] if first else 0.0
        return low, self.bounds[last] if last < len(self.bounds) else None

    def estimate(self, quantile: float) -> float | None:
        """Return the quantile if times are spread evenly in its bucket; None if it has no end."""
        low = below = 0.0
        for bound, share in zip(self.bounds, self.within, strict=True):
            if share.seen >= quantile:
                return low + (bound - low) * (quantile - below) / (share.seen - below)
            low, below = bound, share.seen
        return None
