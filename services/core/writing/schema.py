"""Waiting, at the start, for a schema the service can use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.core.lifecycle import Lifecycle

_EVERY_S: Final = 1.0
_LIMIT_S: Final = 5.0


class SchemaWait:
    """Asks for the schema once a second until it will do; the service is not ready before."""

    def __init__(self, check: Callable[[], Awaitable[object]], lifecycle: Lifecycle) -> None:
        self._check = check
        self._lifecycle = lifecycle
        self._task: asyncio.Task[None] | None = None
        lifecycle.wait_for("schema", "the ledger's schema has not been looked at yet")

    def start(self) -> None:
        """Start asking."""
        self._task = asyncio.get_running_loop().create_task(self._wait(), name="schema-wait")

    async def stop(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)

    async def _wait(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_LIMIT_S):
                    await self._check()
            except TimeoutError:
                self._lifecycle.wait_for("schema", "the ledger does not answer")
            except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go well
                self._lifecycle.wait_for("schema", f"{type(error).__name__}: {error}"[:500])
            else:
                self._lifecycle.arrived("schema")
                return
            await asyncio.sleep(_EVERY_S)
