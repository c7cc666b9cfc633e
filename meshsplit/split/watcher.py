"""The split as a whole, kept up to date: what the reporter shows and the command prints."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from meshsplit.split.gateway import Gateway, Reading
from meshsplit.split.observation import same_percent
from meshsplit.split.observations import Observations
from meshsplit.split.statistics import verdict
from meshsplit.split.weights import Split, SplitError

_NOT_IN_STEP = "The gateway doesn't have what was asked for, so there is nothing to compare."
_NOT_YET = "The gateway has just got these weights; counting is about to begin."


class SplitSource(Protocol):
    """Where it stands what is asked for: files, or an object in a cluster."""

    @property
    def name(self) -> str:
        """How a person calls the place."""

    async def asked(self) -> Split:
        """Read what is asked for.

        Raises:
            SplitError: it can't be read, or has no split.
            OSError: it can't be read.
        """

    def refused(self) -> dict[str, str] | None:
        """Return what of it was refused (file, path, name, message), None if it was accepted."""

    async def close(self) -> None:
        """Let go of what reading needed."""


class SplitWatcher:
    """Looks at what is asked and at Envoy; ``report`` is ``GET /api/v1/split`` as last seen."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        source: SplitSource,
        admin: str,
        tolerance: float = 0.02,
    ) -> None:
        """Watch the split of a source at the proxies whose ``admin`` address this is."""
        self._gateway = Gateway(client, admin)
        self._source = source
        self._tolerance = tolerance
        self._observations = Observations()
        self._split: Split | None = None
        self._applied: dict[str, float] | None = None
        self._error: dict[str, str] | None = None
        self._started = datetime.now(UTC)

    @property
    def split(self) -> Split | None:
        """The split that is asked for, as the last look found it; None if it never could."""
        return self._split

    async def look(self) -> None:
        """Look once (about once a second is meant). Nothing is raised: trouble is reported."""
        self._error = self._source.refused()
        try:
            self._split = await self._source.asked()
        except (SplitError, OSError) as error:
            self._error = self._error or _error(self._source.name, str(error))
        if self._split is None:
            return
        readings = await self._gateway.read(self._split)
        self._applied = _applied(self._split.percent, readings)
        self._observations.scraped(self._split.percent, readings)

    def saved(self) -> str | None:
        """Return what a later watcher can ``resume`` from; None while nothing is counted."""
        saved = self._observations.saved()
        return None if saved is None else json.dumps(saved)

    def resume(self, saved: str | bytes) -> None:
        """Go on counting from what a watcher before this one ``saved``, before the first look.

        Raises:
            ValueError: it isn't something that was saved.
        """
        try:
            self._observations.resume(json.loads(saved))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("this is no saved observation") from error

    def report(self) -> dict[str, Any]:
        """Return the JSON of ``GET /api/v1/split``.

        Raises:
            SplitError: there never was a split that could be read.
        """
        split = self._split
        if split is None:
            message = (self._error or {}).get("message", "nobody has looked at the split yet")
            raise SplitError(message)
        seen = self._observations
        asked = split.percent
        accepted = self._error is None or self._applied is None
        counts = {arm.name: seen.counts.get(arm.name, 0) for arm in split.arms}
        judged = asdict(verdict(counts, asked, self._tolerance, unit=split.counts))
        if seen.since is None:
            judged["text"] = _NOT_YET if self._applied == asked else _NOT_IN_STEP
        return {
            "arms": [{"name": a.name, "host": a.host, "color": a.color} for a in split.arms],
            "asked": asked,
            "configured": asked if accepted else self._applied,
            "applied": self._applied,
            "configuration_error": self._error,
            "observed": {
                "since": (seen.since or self._started).isoformat(timespec="milliseconds"),
                "requests": seen.requests,
                "unit": split.counts,
                "counts": counts,
                "shares": {name: seen.shares.get(name, 0.0) for name in counts},
            },
            "verdict": judged,
        }


def _applied(
    asked: Mapping[str, float], readings: Mapping[str, Reading | None]
) -> dict[str, float] | None:
    """Return what the proxies have in force: of several, one that differs from what was asked."""
    said = [reading.after for reading in readings.values() if reading is not None]
    if not said:
        return None
    differs = next((percent for percent in said if not same_percent(asked, percent)), said[0])
    return None if differs is None else dict(differs)


def _error(name: str, message: str) -> dict[str, str]:
    return {"file": name, "path": "", "name": "", "message": message}
