"""What happened since the last change of weights, over all of a gateway's proxies."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from meshsplit.split.gateway import Reading
from meshsplit.split.observation import Observation, same_percent

_PROXIES_MAX: Final = 256
"""How many proxies are told apart; of those that left long ago only the counts are kept."""


@dataclass(slots=True)
class Observations:
    """Counts of the weights' decisions by arm: the sum of what each proxy did while in step.

    A proxy that left has decided all the same, so its counts stay until the weights change. It is
    known by its address, for it may only have been unreachable, and must not be counted anew.
    """

    _by_proxy: dict[str, Observation] = field(default_factory=dict)
    _left: Counter[str] = field(default_factory=Counter)
    _left_since: datetime | None = None
    _asked: dict[str, float] = field(default_factory=dict)

    def scraped(
        self,
        asked: Mapping[str, float],
        readings: Mapping[str, Reading | None],
        now: datetime | None = None,
    ) -> None:
        """Take in one look.

        Args:
            asked: percent by arm, from the files.
            readings: what each proxy said; None if it couldn't be asked, whose counts stay.
            now: when (UTC).

        """
        if not same_percent(asked, self._asked):
            self._asked = dict(asked)
            self._left, self._left_since = Counter(), None
            self._by_proxy = {
                address: seen for address, seen in self._by_proxy.items() if address in readings
            }
        for address, said in readings.items():
            if said is not None:
                seen = self._by_proxy.pop(address, None) or Observation()
                self._by_proxy[address] = seen  # the one seen last stands last
                seen.scraped(asked, (said.before, said.after), said.counters, now)
        while len(self._by_proxy) > _PROXIES_MAX:
            self._forget_the_oldest()

    def saved(self) -> dict[str, Any] | None:
        """Return what another process needs to go on counting; None while nothing is counted."""
        saved = {address: seen.saved() for address, seen in self._by_proxy.items()}
        counting = {address: each for address, each in saved.items() if each is not None}
        return {"asked": self._asked, "proxies": counting} if counting else None

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on from what another process saved, before the first scrape.

        A proxy's counts go on where its first scrape shows that nothing changed meanwhile; one that
        isn't there any more can't show it.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: it isn't something that was saved.

        """
        self._asked = dict(saved["asked"])
        for address, each in saved["proxies"].items():
            self._by_proxy[address] = Observation()
            self._by_proxy[address].resume(each)

    @property
    def since(self) -> datetime | None:
        """The moment that counting began; None while no proxy has what was asked."""
        began = [seen.since for seen in self._by_proxy.values()]
        return min(filter(None, [*began, self._left_since]), default=None)

    @property
    def counts(self) -> dict[str, int]:
        """Decisions by arm."""
        total = Counter(dict.fromkeys(self._asked, 0))
        total.update(self._left)
        for seen in self._by_proxy.values():
            total.update(seen.counts)
        return dict(total)

    @property
    def requests(self) -> int:
        """All decisions counted."""
        return sum(self.counts.values())

    @property
    def shares(self) -> dict[str, float]:
        """Each arm's share of them, 0..1."""
        total = self.requests
        return {arm: count / total if total else 0.0 for arm, count in self.counts.items()}

    def _forget_the_oldest(self) -> None:
        seen = self._by_proxy.pop(next(iter(self._by_proxy)))
        self._left.update(seen.counts)
        if seen.since is not None:
            self._left_since = min(self._left_since or seen.since, seen.since)
