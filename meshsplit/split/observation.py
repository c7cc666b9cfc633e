"""What happened since the last change of weights, from raw counters that may be reset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

SETTLING_S = 1.5
"""From the change on, decisions made before it may still be counted (a connection that fails is
counted when it has failed: the DestinationRules' connectTimeout is 1 s)."""


@dataclass(slots=True)
class Observation:
    """Counts of the weights' decisions by arm. Give it every scrape; read ``counts``."""

    since: datetime | None = None
    """The moment that counting began; None while the proxy doesn't have what was asked."""
    counts: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _in_step_from: datetime | None = None
    _last: dict[str, int] = field(default_factory=dict)

    def scraped(
        self,
        asked: Mapping[str, float],
        applied_before: Mapping[str, float] | None,
        applied_after: Mapping[str, float] | None,
        raw: Mapping[str, int],
        now: datetime | None = None,
    ) -> None:
        """Take in one scrape.

        Args:
            asked: Percent by arm, from the files.
            applied_before: What the proxy had when the counters were not yet read.
            applied_after: What it had after.
            raw: Its counters by arm.
            now: When (UTC).
        """
        now = now or datetime.now(UTC)
        in_step = _same(asked, applied_before) and _same(asked, applied_after)
        if not in_step or not _same(asked, self._asked):
            self._asked = dict(asked)
            self.since = None
            self.counts = dict.fromkeys(asked, 0)
            self._in_step_from = None
        if not in_step:
            return
        if self._in_step_from is None:
            self._in_step_from = now
        if self.since is None:
            if (now - self._in_step_from).total_seconds() >= SETTLING_S:
                self.since = now
                self._last = dict(raw)
            return
        for arm, value in raw.items():
            last = self._last.get(arm, 0)
            # A counter that went back began again at 0: everything in it is new.
            self.counts[arm] = self.counts.get(arm, 0) + (value - last if value >= last else value)
        self._last = dict(raw)

    @property
    def requests(self) -> int:
        """All decisions counted."""
        return sum(self.counts.values())

    @property
    def shares(self) -> dict[str, float]:
        """Each arm's share of them, 0..1."""
        total = self.requests
        return {arm: count / total if total else 0.0 for arm, count in self.counts.items()}


def _same(first: Mapping[str, float], second: Mapping[str, float] | None) -> bool:
    """Whether two sets of percentages are the same, an arm of 0 being as good as none."""
    if second is None:
        return False
    names = {*first, *second}
    return all(abs(first.get(n, 0) - second.get(n, 0)) < 1e-6 for n in names)  # noqa: PLR2004
