"""Times counted in buckets as HDR histograms have them: any number of them in little memory."""

from collections import Counter
from typing import Self

_PRECISION_BITS = 7
"""A bucket is at most 1/128 of its value wide."""


class Histogram:
    """Counts of times in nanoseconds; quantiles are exact to 0.8 %."""

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self._counts = Counter(counts or {})

    @property
    def counts(self) -> dict[int, int]:
        """How many times fell into each bucket, by the bucket's least value."""
        return dict(self._counts)

    @property
    def total(self) -> int:
        """How many times were counted."""
        return self._counts.total()

    def add(self, nanoseconds: int) -> None:
        """Count one time; one that is below zero, because clocks are read in turn, is zero."""
        value = max(nanoseconds, 0)
        shift = max(value.bit_length() - _PRECISION_BITS - 1, 0)
        self._counts[value >> shift << shift] += 1

    def merge(self, other: Self) -> None:
        """Count what another has counted."""
        self._counts.update(other._counts)

    def quantile(self, share: float) -> int:
        """Give the time in nanoseconds that this share of all doesn't exceed; 0 of none."""
        left = share * self.total
        value = 0
        for value, count in sorted(self._counts.items()):  # noqa: B007 - the last one, if rounding
            left -= count
            if left <= 0:
                break
        return value
