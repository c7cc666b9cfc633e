"""What a load has counted."""

from collections import Counter
from collections.abc import Callable
from time import monotonic_ns
from typing import Self

from bench.histogram import Histogram
from bench.orders import Report, Slice

_REFUSALS = "4"
"""Names from here on are of statuses that refuse."""
_WRONG_KEPT = 5


def stores(name: str) -> bool:
    """Whether an answer of this name is no refusal."""
    return name < _REFUSALS


class Tally:
    """Counts what comes back; what comes in the time that counts is counted twice.

    How long an answer took counts if its request was due in that time, whenever it comes: what a
    slow system answers after the end isn't left out.
    """

    def __init__(self, clock: Callable[[], int] = monotonic_ns) -> None:
        self.clock = clock
        self._since_ns: int | None = None
        self._until_ns: int | None = None
        self._answers: Counter[str] = Counter()
        self._measured: Counter[str] = Counter()
        self._latency = Histogram()
        self._lag = Histogram()
        self._wrong: list[str] = []
        self._unanswered = 0
        self._scheduled = 0
        self._in_time = 0
        self.calm: list[Slice] = []
        """What a calm load saw."""

    def begin(self) -> None:
        """Let the time that counts begin."""
        self._since_ns = self.clock()

    def end(self) -> None:
        """Let it end."""
        self._until_ns = self.clock()

    @property
    def _counts(self) -> bool:
        return self._since_ns is not None and self._until_ns is None

    def _was_due(self, due_ns: int) -> bool:
        """Whether it was due in the time that counts."""
        if self._since_ns is None or due_ns < self._since_ns:
            return False
        return self._until_ns is None or due_ns < self._until_ns

    def count(self, name: str, due_ns: int) -> None:
        """Count an answer, by its name, to a request that was due then."""
        self._answers[name] += 1
        due = self._was_due(due_ns)
        if due and stores(name):
            self._latency.add(self.clock() - due_ns)
        if self._counts:
            self._measured[name] += 1
            self._in_time += due

    def schedule(self, due_ns: int, now_ns: int) -> None:
        """Count a request that was due, and how late the generator got to it."""
        if self._was_due(due_ns):
            self._scheduled += 1
            self._lag.add(now_ns - due_ns)

    def lose(self, what: str, number: int = 1) -> None:
        """Note requests whose fate is unknown."""
        self._unanswered += number
        if len(self._wrong) < _WRONG_KEPT:
            self._wrong.append(what)

    def absorb(self, other: Self) -> None:
        """Count all that another has, as what doesn't come in the time that counts."""
        self._answers.update(other._answers)
        self._wrong += other._wrong
        self._unanswered += other._unanswered

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
            in_time=self._in_time,
            cpu_s=cpu_s,
            wall_s=wall_s,
            calm=self.calm,
        )
