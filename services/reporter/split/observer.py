"""The one look at the split, about once a second, for everyone who asks."""

import asyncio
import logging
from typing import Final

import httpx

from meshsplit.split.watcher import SplitSource, SplitWatcher
from meshsplit.split.weights import Split, SplitError
from services.reporter.split.answer import SplitAnswer
from services.reporter.split.memory import SplitMemory

_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 2.0
_NOT_ASKED: Final = "The gateway does not say what it has applied, so there is no verdict."
_log = logging.getLogger(__name__)


class SplitObserver:
    """Keeps what is observed up to date in the background.

    Args:
        source: where the split stands that is asked for.
        admin: the gateway's admin address.
        memory: where what is counted outlives this process.

    """

    def __init__(self, source: SplitSource, *, admin: str, memory: SplitMemory) -> None:
        # The gateway's admin is near: no proxy of the environment is in between.
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False)
        self._watcher = SplitWatcher(self._client, source=source, admin=admin)
        self._source = source
        self._memory = memory
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
        await self._memory.close()
        await self._source.close()

    def report(self) -> SplitAnswer:
        """Give the last look.

        Raises:
            SplitError: there never was a split that could be read.

        """
        report = self._watcher.report()
        if report["applied"] is None:
            report["verdict"] |= {"state": "insufficient", "text": _NOT_ASKED}
        return SplitAnswer.model_validate(report)

    @property
    def split(self) -> Split | None:
        """The split that is asked for, as the last look found it."""
        return self._watcher.split

    def arms(self) -> list[str]:
        """Name the arms of the split, as the last look found them; none if it found none."""
        try:
            return [arm.name for arm in self.report().arms]
        except SplitError:
            return []

    async def _keep_looking(self) -> None:
        if (kept := await self._memory.load()) is not None:
            try:
                self._watcher.resume(kept)
            except ValueError:
                _log.warning("what was kept of the split can't be read; counting begins anew")
        while True:
            try:
                await self._watcher.look()
                if (saved := self._watcher.saved()) is not None:
                    await self._memory.keep(saved)
            except Exception:  # noqa: BLE001 - logged with its trace, and the next look may go well
                _log.exception("a look at the split failed")
            await asyncio.sleep(_EVERY_S)
