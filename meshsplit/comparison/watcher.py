"""The comparison kept up to date from Prometheus, which also remembers what happened before."""

from math import ceil, floor
from typing import Final

from meshsplit.comparison.comparison import compare
from meshsplit.comparison.counters import RawCounters
from meshsplit.comparison.evidence import Evidence
from meshsplit.comparison.prometheus import Prometheus
from meshsplit.split.weights import Split

STEP_S: Final = 5
"""Seconds between readings, which lie on multiples of it, so that two watchers read the same."""
BACK_S: Final = 3600.0
"""A watcher that starts reads so far back at most."""
_AT_ONCE: Final = 60
"""How many steps one look reads at most."""
_LATE_S: Final = 1.0
"""A scrape that has begun may take so long to arrive."""


class ComparisonWatcher:
    """Compares a split's arms since the last change of weights.

    Args:
        prometheus: where the counters are.
        query: gives all of them, raw.

    """

    def __init__(self, prometheus: Prometheus, query: str) -> None:
        self._prometheus = prometheus
        self._query = query
        self._split: tuple[dict[str, float], list[str]] | None = None
        self._evidence = Evidence.of([])
        self._counters = RawCounters({})
        self._next = 0.0
        self.since = 0.0
        """The moment from which is counted, in seconds since 1970."""
        self.until: float | None = None
        """The last moment that is known, likewise."""
        self.comparison = compare(self._evidence)
        """The arms compared."""

    async def look(self, split: Split, since: float, now: float) -> bool:
        """Read on; return whether there is more to be read at once.

        Args:
            split: the split of which the arms are.
            since: when its weights came into force, in seconds since 1970.
            now: likewise.

        Raises:
            SourceAwayError: Prometheus can't be asked. What is missing is read when it can.

        """
        seen = (split.percent, [arm.host for arm in split.arms])
        if seen != self._split:
            known = self._split is not None
            self._split = seen
            self._begin(split, now if known else max(since, now - BACK_S))
        end = min(floor((now - _LATE_S) / STEP_S) * STEP_S, self._next + (_AT_ONCE - 1) * STEP_S)
        if end < self._next:
            return False
        readings = await self._prometheus.readings(self._query, self._next, end, STEP_S)
        completed = False
        for moment, samples in readings.items():
            increase = self._counters.take(samples)
            if self.until is not None:
                completed |= self._evidence.take(increase, STEP_S)
            self.until = moment
        self._next = end + STEP_S
        if completed:
            self.comparison = compare(self._evidence)
        return self._next + STEP_S < now

    def _begin(self, split: Split, since: float) -> None:
        # An arm that is to get nothing would leave everything open for ever.
        self._evidence = Evidence.of([arm.name for arm in split.arms if arm.weight])
        self._counters = RawCounters({arm.host.partition(".")[0]: arm.name for arm in split.arms})
        self._next = self.since = ceil(since / STEP_S) * STEP_S
        self.until = None
        self.comparison = compare(self._evidence)
