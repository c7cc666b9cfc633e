"""Where a service is between its start and its end, for everybody who must know."""

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Lifecycle:
    """Ready means: nothing is left to wait for, and no drain has begun.

    A store that is away is no reason: were every pod unready, nobody would be left to give the
    503. What a service waits for at its start is (a schema it can use).
    """

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {"start": "the service is starting"}
        self._draining = False
        self._listeners: list[Callable[[bool], None]] = []

    @property
    def draining(self) -> bool:
        """Whether the end has begun: every answer now closes its connection."""
        return self._draining

    @property
    def ready(self) -> bool:
        """Whether new requests should come here."""
        return not self._waiting and not self._draining

    @property
    def reasons(self) -> list[str]:
        """Why the service is not ready; empty when it is."""
        return ["draining"] * self._draining + list(self._waiting.values())

    def on_change(self, listener: Callable[[bool], None]) -> None:
        """Tell a listener now and after each change whether the service is ready."""
        self._listeners.append(listener)
        listener(self.ready)

    def wait_for(self, what: str, why: str) -> None:
        """Note that something is missing, and why; the reason is logged when it is new."""
        if self._waiting.get(what) != why:
            _log.warning("not ready: %s", why, extra={"waiting_for": what})
        self._change(lambda: self._waiting.update({what: why}))

    def arrived(self, what: str) -> None:
        """Note that something waited for is there."""
        self._change(lambda: self._waiting.pop(what, None))

    def started(self) -> None:
        """Note that the service has made all its parts."""
        self.arrived("start")

    def begin_drain(self) -> None:
        """Note that the end has begun; there is no way back."""

        def drain() -> None:
            self._draining = True

        self._change(drain)

    def _change(self, change: Callable[[], object]) -> None:
        before = self.ready
        change()
        if self.ready != before:
            _log.info("ready" if self.ready else "no longer ready")
            for listener in self._listeners:
                listener(self.ready)
