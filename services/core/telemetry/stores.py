"""Whether the stores a service uses answer: a metric, a log line, a detail on the health page."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

Check = Callable[[], Awaitable[object]]
"""Asks a store for a sign of life; raises when there is none."""

_EVERY_S: Final = 2.0
_LIMIT_S: Final = 2.0
_log = logging.getLogger(__name__)


class StoreWatch:
    """Asks each store every two seconds. Readiness does not depend on the answers."""

    def __init__(self, checks: Mapping[str, Check], registry: CollectorRegistry) -> None:
        self._checks = dict(checks)
        self._up = Gauge(
            "meshsplit_store_up", "Whether a store answers", ["store"], registry=registry
        )
        self._states: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def states(self) -> dict[str, str]:
        """Each store's state: "up", or what went wrong."""
        return dict(self._states)

    def start(self) -> None:
        """Start asking."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._watch(store, check), name=f"watch-{store}")
            for store, check in self._checks.items()
        ]

    async def stop(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LIMIT_S)

    async def _watch(self, store: str, check: Check) -> None:
        while True:
            state = await _ask(check)
            if state != self._states.get(store):
                level = logging.INFO if state == "up" else logging.WARNING
                _log.log(level, "store %s: %s", store, state, extra={"store": store})
            self._states[store] = state
            self._up.labels(store).set(state == "up")
            await asyncio.sleep(_EVERY_S)


async def _ask(check: Check) -> str:
    try:
        async with asyncio.timeout(_LIMIT_S):
            await check()
    except TimeoutError:
        return f"no answer in {_LIMIT_S:g} s"
    except Exception as error:  # noqa: BLE001 - each store's library has errors of its own
        return f"{type(error).__name__}: {error}"[:200]
    return "up"
