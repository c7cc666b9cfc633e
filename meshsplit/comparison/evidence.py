"""What is known of each arm, window by window."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import inf
from typing import Final

from meshsplit.comparison.counters import Increase, Process
from meshsplit.comparison.means import Mean
from meshsplit.comparison.quantiles import Times
from meshsplit.comparison.shares import Share, dispersion

LEAST_S: Final = 10.0
"""A window lasts at least so long, that it has little to do with the one before,"""
LEAST_RECORDS: Final = 50
"""and until each arm that is used has as many records, that its cost has a meaning,"""
MOST_S: Final = 60.0
"""but no longer than this."""


@dataclass(slots=True)
class Count:
    """Hits among requests, over windows."""

    hits: float = 0.0
    of: float = 0.0
    squares: float = 0.0
    """The sum over windows of hits * hits / of."""

    def add(self, hits: float, of: float) -> None:
        """Take in a window with requests in it."""
        self.hits += hits
        self.of += of
        self.squares += hits * hits / of

    def dispersion(self, windows: float) -> float:
        """Return how much more hits vary from window to window than independent ones would."""
        return dispersion(self.hits, self.of, self.squares, windows)

    def share(self, worth: float) -> Share:
        """Return the share, each request counted as so much of one."""
        return Share(self.hits * worth, self.of * worth)


@dataclass(slots=True)
class ArmEvidence:
    """One arm's windows."""

    errors: Count = field(default_factory=Count)
    answered_windows: int = 0
    """In how many windows the gateway counted answers."""
    within: dict[float, Count] = field(default_factory=dict)
    """By bound in seconds, without infinity."""
    timed_windows: int = 0
    """In how many windows the arm timed requests."""
    cost: Mean = field(default_factory=Mean)
    """Seconds of CPU a record."""
    batched: float = 0.0
    """How many records were in batches, by their buckets' bounds;"""
    together: float = 0.0
    """and for each of them, with how many in one, itself included."""

    @property
    def company(self) -> float:
        """With how many records a record shares its batch, on average; at least itself."""
        return max(1.0, self.together / self.batched) if self.batched else 1.0

    def discount(self, count: Count, windows: float) -> float:
        """Return how many requests tell as much as one that is independent of all others.

        Where nothing has gone wrong yet, windows can't show what goes wrong together: it is at
        least as many as share a batch.
        """
        return max(self.company, count.dispersion(windows))

    def times(self, factor: float = 1.0) -> Times:
        """Return the arm's times, of so many times as many windows like these."""
        counts = sorted(self.within.items())
        return Times(
            tuple(bound for bound, _ in counts),
            tuple(
                count.share(factor / self.discount(count, self.timed_windows))
                for _, count in counts
            ),
        )

    @property
    def timed(self) -> float:
        """How many requests the arm timed."""
        return max((count.of for count in self.within.values()), default=0.0)


@dataclass(slots=True)
class Evidence:
    """All arms' windows. Give it increases as they come; what is not yet a window waits."""

    arms: dict[str, ArmEvidence]
    savings: dict[tuple[str, str], Mean] = field(default_factory=dict)
    """By pair of arms: how much more CPU a record the first takes, window by window."""
    _open: Increase = field(default_factory=Increase)
    _open_s: float = 0.0
    _workplaces: dict[str, set[str]] = field(default_factory=dict)
    """By arm: the jobs that have worked on its records."""

    @classmethod
    def of(cls, arms: list[str]) -> "Evidence":
        """Return that nothing is known of these arms."""
        pairs = combinations(arms, 2)
        return cls({name: ArmEvidence() for name in arms}, {pair: Mean() for pair in pairs})

    def take(self, increase: Increase, seconds: float) -> bool:
        """Take in what was counted in so many seconds; return whether a window was completed."""
        self._open.add(increase)
        self._open_s += seconds
        used = [n for n in self._handled().values() if n > 0]
        if self._open_s < LEAST_S:
            return False
        if self._open_s < MOST_S and (not used or min(used) < LEAST_RECORDS):
            return False
        window, self._open, self._open_s = self._open, Increase(), 0.0
        self._complete(window)
        return True

    def _complete(self, window: Increase) -> None:
        for name, arm in self.arms.items():
            _count(name, arm, window)
        for name, (batched, together) in _company(window).items():
            if name in self.arms:
                self.arms[name].batched += batched
                self.arms[name].together += together
        costs = self._costs(window)
        for name, cost in costs.items():
            self.arms[name].cost = self.arms[name].cost.with_one_more(cost)
        for (first, second), mean in self.savings.items():
            if first in costs and second in costs:
                self.savings[first, second] = mean.with_one_more(costs[first] - costs[second])

    def _handled(self) -> dict[str, float]:
        """How many records of each arm the open window has, where it has fewest."""
        handled: dict[str, float] = {}
        for (arm, _), records in _by_job(self._open.records).items():
            if arm in self.arms:
                handled[arm] = min(handled.get(arm, inf), records)
        return handled

    def _costs(self, window: Increase) -> dict[str, float]:
        """Each arm's CPU a record: of each job that works on its records, one after the other.

        A process that works for several arms is charged to them by their records in it. An arm is
        left out where one of its jobs has too few records, or was not seen.
        """
        charged: dict[tuple[str, str], float] = {}
        by_process: dict[Process, float] = {}
        for (process, _), records in window.records.items():
            by_process[process] = by_process.get(process, 0.0) + records
        for (process, arm), records in window.records.items():
            if records:
                share = window.cpu.get(process, 0.0) * records / by_process[process]
                charged[arm, process[0]] = charged.get((arm, process[0]), 0.0) + share
        records_of = _by_job(window.records)
        for arm, job in charged:
            self._workplaces.setdefault(arm, set()).add(job)
        return {
            arm: sum(charged[arm, job] / records_of[arm, job] for job in jobs)
            for arm, jobs in self._workplaces.items()
            if arm in self.arms
            and all(records_of.get((arm, job), 0.0) >= LEAST_RECORDS for job in jobs)
            and all(charged.get((arm, job), 0.0) > 0 for job in jobs)
        }


def _count(name: str, arm: ArmEvidence, window: Increase) -> None:
    """Take in a window's requests of one arm."""
    if answers := window.answers.get(name, 0.0):
        arm.errors.add(window.errors.get(name, 0.0), answers)
        arm.answered_windows += 1
    if timed := window.within.get((name, inf), 0.0):
        arm.timed_windows += 1
        for (whose, bound), hits in window.within.items():
            if whose == name and bound != inf:
                arm.within.setdefault(bound, Count()).add(hits, timed)


def _by_job(records: Mapping[tuple[Process, str], float]) -> dict[tuple[str, str], float]:
    """Add up records by arm and job."""
    found: dict[tuple[str, str], float] = {}
    for (process, arm), count in records.items():
        found[arm, process[0]] = found.get((arm, process[0]), 0.0) + count
    return found


def _company(window: Increase) -> dict[str, tuple[float, float]]:
    """Each arm's records in batches of its processes, and the sum over them of their batch's size.

    A batch is taken to be as large as its bucket allows, and half as large again beyond the last.
    """
    found: dict[str, tuple[float, float]] = {}
    for process, arm in window.records:
        below = largest = 0.0
        batched, together = found.get(arm, (0.0, 0.0))
        for bound, batches in sorted(
            (b, n) for (p, b), n in window.batches.items() if p == process
        ):
            size = 1.5 * largest if bound == inf else bound
            batched += (batches - below) * size
            together += (batches - below) * size * size
            below, largest = batches, size
        found[arm] = batched, together
    return found
