"""What happened since the last change of weights, from raw counters that may be reset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SETTLING_S = 1.5
"""From the change on, decisions made before it may still be counted (a connection that fails is
counted when it has failed: the DestinationRules' connectTimeout is 1 s)."""

_SAME_START_S = 8.0
"""Envoy brings its uptime up to date only when it flushes statistics, by default every 5 s, and in
whole seconds: what looks like its start drifts by so much between scrapes."""


@dataclass(frozen=True, slots=True)
class Counters:
    """One reading of a proxy's counters."""

    decisions: Mapping[str, int]
    """How often each arm was chosen since the counters began at 0."""
    started: datetime | None = None
    """When they did (UTC); None if the proxy doesn't say."""
    configurations: int | None = None
    """How many configurations of its routes it has had since then; None if it doesn't say."""

    def of_same_start(self, other: "Counters") -> bool:
        """Whether both go back to the same 0, as far as their starts tell."""
        if self.started is None or other.started is None:
            return True
        return abs((self.started - other.started).total_seconds()) < _SAME_START_S


@dataclass(slots=True)
class Observation:
    """One proxy's counts of the weights' decisions. Give it every scrape; read ``counts``."""

    since: datetime | None = None
    """The moment that counting began; None while the proxy doesn't have what was asked."""
    counts: dict[str, int] = field(default_factory=dict)
    last: Counters = field(default_factory=lambda: Counters({}))
    """The reading up to which they go."""
    _asked: dict[str, float] = field(default_factory=dict)
    _in_step_from: datetime | None = None
    _before: "Observation | None" = None

    def scraped(
        self,
        asked: Mapping[str, float],
        applied: tuple[Mapping[str, float] | None, Mapping[str, float] | None],
        read: Counters,
        now: datetime | None = None,
    ) -> None:
        """Take in one scrape.

        Args:
            asked: Percent by arm, from the files.
            applied: What the proxy had just before its counters were read, and just after.
            read: Its counters.
            now: When (UTC).
        """
        now = now or datetime.now(UTC)
        in_step = all(same_percent(asked, percent) for percent in applied)
        if not in_step or not same_percent(asked, self._asked):
            self._asked = dict(asked)
            self.since = None
            self.counts = dict.fromkeys(asked, 0)
            self._in_step_from = None
        if not in_step:
            return
        if self.since is None:
            self._begin(read, now)
        else:
            self._add(read)

    def is_followed_by(self, asked: Mapping[str, float], read: Counters) -> bool:
        """Whether the proxy has certainly had no other weights between this and a later reading."""
        return (
            same_percent(asked, self._asked)
            and read.configurations is not None
            and read.configurations == self.last.configurations
            and read.of_same_start(self.last)
        )

    def saved(self) -> dict[str, Any] | None:
        """Return what another process needs to go on counting; None while nothing is counted."""
        if self.since is None:
            return None
        started = self.last.started
        return {
            "since": self.since.isoformat(),
            "counts": self.counts,
            "asked": self._asked,
            "decisions": dict(self.last.decisions),
            "started": None if started is None else started.isoformat(),
            "configurations": self.last.configurations,
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on from what another process saved, if the first scrape shows that nothing changed.

        Raises:
            KeyError, TypeError, ValueError: it isn't something that was saved.
        """
        started = saved["started"]
        self._before = Observation(
            since=datetime.fromisoformat(saved["since"]),
            counts=dict(saved["counts"]),
            last=Counters(
                dict(saved["decisions"]),
                None if started is None else datetime.fromisoformat(started),
                saved["configurations"],
            ),
            _asked=dict(saved["asked"]),
        )

    def _begin(self, read: Counters, now: datetime) -> None:
        """Count from the earliest moment from which these weights are known to be in force."""
        before, self._before = self._before, None
        if before is not None and before.is_followed_by(self._asked, read):
            self.since, self.counts, self.last = before.since, before.counts, before.last
            self._add(read)
            return
        if read.configurations == 1:  # the proxy never had other weights
            self.since, self.counts = read.started or now, dict(read.decisions)
            self.last = read
            return
        self._in_step_from = self._in_step_from or now
        if (now - self._in_step_from).total_seconds() >= SETTLING_S:
            self.since, self.last = now, read

    def _add(self, read: Counters) -> None:
        same = read.of_same_start(self.last)
        for arm, value in read.decisions.items():
            last = self.last.decisions.get(arm, 0) if same else 0
            # A counter that went back began again at 0: everything in it is new.
            self.counts[arm] = self.counts.get(arm, 0) + (value - last if value >= last else value)
        self.last = read


def same_percent(first: Mapping[str, float], second: Mapping[str, float] | None) -> bool:
    """Whether two sets of percentages are the same, an arm of 0 being as good as none."""
    if second is None:
        return False
    names = {*first, *second}
    return all(abs(first.get(n, 0) - second.get(n, 0)) < 1e-6 for n in names)  # noqa: PLR2004
