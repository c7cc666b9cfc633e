"""The split as a whole, kept up to date: what the reporter shows and the command prints."""

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from meshsplit.agent.watching import Signature, signature
from meshsplit.split.applied import Proxy
from meshsplit.split.observation import Observation
from meshsplit.split.statistics import verdict
from meshsplit.split.weights import Split, SplitError, asked_split
from meshsplit.translator.documents import files_of

_NOT_IN_STEP = "The gateway doesn't have what was asked for, so there is nothing to compare."
_NOT_YET = "The gateway has just got these weights; counting is about to begin."


class SplitWatcher:
    """Looks at the files and at Envoy; ``report`` is the last look, as ``GET /api/v1/split``."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        mesh: Path,
        admin: str,
        status: Path | None = None,
        tolerance: float = 0.02,
    ) -> None:
        """Watch the split of the folder ``mesh`` at the Envoy whose ``admin`` address this is.

        ``status`` is the agent's status file, which says whether the files were accepted.
        """
        self._proxy = Proxy(client, admin)
        self._mesh = mesh
        self._status = status
        self._tolerance = tolerance
        self._observation = Observation()
        self._split: Split | None = None
        self._read: tuple[Signature, Split] | None = None
        self._applied: dict[str, float] | None = None
        self._error: dict[str, str] | None = None
        self._started = datetime.now(UTC)

    async def look(self) -> None:
        """Look once (about once a second is meant). Nothing is raised: trouble is reported."""
        self._error = self._refused()
        try:
            self._split = self._asked()
        except (SplitError, OSError) as error:
            self._error = self._error or _error(self._mesh, str(error))
        if self._split is None:
            return
        try:
            before = await self._proxy.applied(self._split)
            read = await self._proxy.counters(self._split)
            self._applied = await self._proxy.applied(self._split)
        except (httpx.HTTPError, ValueError):
            self._applied = None
            return  # counts stay: a proxy that can't be asked has not changed its weights
        self._observation.scraped(self._split.percent, (before, self._applied), read)

    def saved(self) -> str | None:
        """Return what a later watcher can ``resume`` from; None while nothing is counted."""
        saved = self._observation.saved()
        return None if saved is None else json.dumps(saved)

    def resume(self, saved: str | bytes) -> None:
        """Go on counting from what a watcher before this one ``saved``, before the first look.

        Raises:
            ValueError: it isn't something that was saved.
        """
        try:
            self._observation.resume(json.loads(saved))
        except (KeyError, TypeError) as error:
            raise ValueError("this is no saved observation") from error

    def report(self) -> dict[str, Any]:
        """Return the JSON of ``GET /api/v1/split``.

        Raises:
            SplitError: the files have never had a split that could be read.
        """
        split = self._split
        if split is None:
            message = (self._error or {}).get("message", "nobody has looked at the split yet")
            raise SplitError(message)
        seen = self._observation
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

    def _asked(self) -> Split:
        """Read the files, if they have changed since they were read."""
        now = signature(files_of(self._mesh))
        if self._read is None or self._read[0] != now:
            self._read = (now, asked_split(self._mesh))
        return self._read[1]

    def _refused(self) -> dict[str, str] | None:
        """Return the agent's refusal, if it refused what the files say."""
        if self._status is None:
            return None
        with suppress(OSError, ValueError):
            error = json.loads(self._status.read_text(encoding="utf-8"))["error"]
            return None if error is None else {str(k): str(v) for k, v in error.items()}
        return None


def _error(mesh: Path, message: str) -> dict[str, str]:
    return {"file": str(mesh / "routes"), "path": "", "name": "", "message": message}
