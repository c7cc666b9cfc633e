"""What one task waits for."""

import asyncio


class Bell:
    """An event for a single waiter.

    asyncio's own has a queue for any number of them, 0.7 KB when it is empty, and each client has
    several.
    """

    __slots__ = ("_rung", "_waiter")

    def __init__(self, *, rung: bool = False) -> None:
        self._rung = rung
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake whoever waits, and let others not wait, until it is silenced."""
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def silence(self) -> None:
        """Let the next one wait."""
        self._rung = False

    async def heard(self) -> None:
        """Wait until it rings."""
        while not self._rung:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
