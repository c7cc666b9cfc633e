"""The one look at the arms, every few seconds, for everyone who asks."""

import asyncio
import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import httpx

from meshsplit.comparison.comparison import Compared
from meshsplit.comparison.prometheus import TIMEOUT_S, Prometheus, SourceAwayError, moment_of
from meshsplit.comparison.telling import missing, tell
from meshsplit.comparison.watcher import ComparisonWatcher
from observability.queries import QUERIES
from services.reporter.arms.answer import ArmsAnswer, MeasureAnswer, SourceAnswer
from services.reporter.split.observer import SplitObserver

_EVERY_S: Final = 2.0
_SOON_S: Final = 0.05
_NOT_YET: Final = "nobody has looked yet"
_BLIND: Final = "There is nothing to compare yet."
_log = logging.getLogger(__name__)


class ArmsObserver:
    """Keeps the comparison up to date in the background.

    Args:
        split: knows the arms, and since when the weights are in force.
        prometheus: its address, without a slash at its end.

    """

    def __init__(self, split: SplitObserver, *, prometheus: str) -> None:
        # Prometheus is near: no proxy of the environment is in between.
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        query = QUERIES["arm_counters"].over()
        self._watcher = ComparisonWatcher(Prometheus(self._client, prometheus), query)
        self._split = split
        self._trouble = _NOT_YET
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._keep_looking(), name="arms observer")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=TIMEOUT_S)
        await self._client.aclose()

    def report(self) -> ArmsAnswer:
        """Give the last look.

        Raises:
            SplitError: there never was a split that could be read.

        """
        split = self._split.report()
        watcher, comparison = self._watcher, self._watcher.comparison
        return ArmsAnswer(
            arms=split.arms,
            since=_iso(watcher.since or moment_of(split.observed.since)),
            requests=comparison.requests,
            confidence=comparison.confidence,
            source=SourceAnswer(
                available=not self._trouble,
                detail=self._trouble,
                read_until=None if watcher.until is None else _iso(watcher.until),
            ),
            measures=[_measure(measure) for measure in comparison.measures],
            needed=missing(comparison),
            text=tell(comparison) if watcher.until or not self._trouble else _BLIND,
        )

    async def _keep_looking(self) -> None:
        while True:
            try:
                more = await self._look()
            except SourceAwayError as error:
                if self._trouble in {"", _NOT_YET}:
                    _log.warning("the arms can't be compared: %s", error)
                self._trouble, more = str(error), False
            except Exception as error:  # noqa: BLE001 - logged with its trace, and the next look may go well
                _log.exception("a look at the arms failed")
                self._trouble, more = type(error).__name__, False
            # What lies far back is read bit by bit, and not slowly.
            await asyncio.sleep(_SOON_S if more else _EVERY_S)

    async def _look(self) -> bool:
        split = self._split.split
        if split is None:
            return False
        since = moment_of(self._split.report().observed.since)
        more = await self._watcher.look(split, since, time.time())
        self._trouble = ""
        return more


def _measure(measure: Compared) -> MeasureAnswer:
    return MeasureAnswer.model_validate(
        {
            "name": measure.name,
            "unit": measure.unit,
            "margin": measure.margin,
            "arms": {name: asdict(reading) for name, reading in measure.readings.items()},
            "differences": [asdict(each) for each in measure.differences],
            "needed": measure.needed,
        }
    )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
