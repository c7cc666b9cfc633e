"""The one look at the gateway and the mesh's files, about once a second, for everyone who asks."""

import asyncio
import logging
from pathlib import Path
from typing import Final

import httpx

from meshsplit.split.watcher import SplitWatcher
from meshsplit.split.weights import SplitError
from services.reporter.split.answer import SplitAnswer

_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 2.0
_NOT_ASKED: Final = "The gateway does not say what it has applied, so there is no verdict."
_log = logging.getLogger(__name__)


class SplitObserver:
    """Keeps what is observed up to date in the background.

    Args:
        mesh: folder of the mesh's files.
        admin: the gateway's admin address.
        status: file in which the agent says what became of the configuration.

    """

    def __init__(self, *, mesh: Path, admin: str, status: Path) -> None:

        # The gateway's admin is on this machine: no proxy of the environment is in between.
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False)
        self._watcher = SplitWatcher(self._client, mesh=mesh, admin=admin, status=status)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._keep_looking(), name="split observer")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_TIMEOUT_S)
        await self._client.aclose()

    def report(self) -> SplitAnswer:
        """Give the last look.

        Raises:
            SplitError: there never was a split that could be read.

        """
        report = self._watcher.report()
        if report["applied"] is None:
            report["verdict"] |= {"state": "insufficient", "text": _NOT_ASKED}
        return SplitAnswer.model_validate(report)

    def arms(self) -> list[str]:
        """Name the arms of the split, as the last look found them; none if it found none."""
        try:
            return [arm.name for arm in self.report().arms]
        except SplitError:
            return []

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self._watcher.look()
            except Exception:  # noqa: BLE001 - logged with its trace, and the next look may go well
                _log.exception("a look at the split failed")
            await asyncio.sleep(_EVERY_S)
