"""What a load has counted."""

from collections import Counter
from collections.abc import Callable
from time import monotonic_ns

from bench.histogram import Histogram
from bench.orders import Report

_REFUSALS = "4"
"""Names from here on are of statuses that refuse."""
_WRONG_KEPT = 5


class Tally:
    """Counts what comes back; what comes in the time that counts is counted twice."""

    def __init__(self, clock: Callable[[], int] = monotonic_ns) -> None:
        self.clock = clock
        self.open = False
        """Whether the time that counts is now."""
        self._answers: Counter[str] = Counter()
        self._measured: Counter[str] = Counter()
        self._latency = Histogram()
        self._lag = Histogram()
        self._wrong: list[str] = []
        self._unanswered = 0
        self._scheduled = 0

    def count(self, name: str, due_ns: int) -> None:
        """Count an answer, by its name, to a request that was due then."""
        self._answers[name] += 1
        if self.open:
            self._measured[name] += 1
            if name < _REFUSALS:
                self._latency.add(self.clock() - due_ns)

    def schedule(self, lag_ns: int) -> None:
        """Count a request that was due, and how late the generator got to it."""
        if self.open:
            self._scheduled += 1
            self._lag.add(lag_ns)

    def lose(self, what: str, number: int = 1) -> None:
        """Note requests whose fate is unknown."""
        self._unanswered += number
        if len(self._wrong) < _WRONG_KEPT:
            self._wrong.append(what)

    def report(self, cpu_s: float, wall_s: float) -> Report:
        """Give everything."""
        return Report(
            answers=dict(self._answers),
            wrong=self._wrong,
            unanswered=self._unanswered,
            measured=dict(self._measured),
            latency=self._latency.counts,
            lag=self._lag.counts,
            scheduled=self._scheduled,
            cpu_s=cpu_s,
            wall_s=wall_s,
        )
