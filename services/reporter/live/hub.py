"""One look at Redis for everyone who watches, and one encoded message for each selection."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Gauge

from services.core.live.reader import LiveReader, LiveState
from services.reporter.live.client import Client
from services.reporter.live.messages import Figures

_log = logging.getLogger(__name__)

ROUND_S = 0.22
"""From one telling to the next: five messages a second are promised as the most; the margin is for
a late wake-up, and for a client that is told later in one round than in the next."""

SHORTEST_PAUSE_S = 0.05
"""Where telling takes so long that the next would be due."""

LONGEST_PAUSE_S = 2.0
_SHARE_OF_TIME = 0.25
_CLIENTS_AT_ONCE = 100


class Full(Exception):  # noqa: N818 - it names the state
    """As many clients watch as are let in."""


class Hub:
    """Everyone who watches, and the one poller that exists only while somebody does."""

    def __init__(
        self,
        reader: LiveReader,
        *,
        max_clients: int,
        heartbeat_s: float,
        registry: CollectorRegistry,
    ) -> None:
        self._reader = reader
        self._max_clients = max_clients
        self._heartbeat_s = heartbeat_s
        self._clients: set[Client] = set()
        self._poller: asyncio.Task[None] | None = None
        self._closed = False
        watching = Gauge(
            "meshsplit_websocket_clients", "Clients of the live WebSocket", registry=registry
        )
        watching.set_function(lambda: len(self._clients))
        Gauge(
            "meshsplit_websocket_clients_limit", "Most clients that are let in", registry=registry
        ).set(max_clients)

    @contextmanager
    def watching(self) -> Iterator[Client]:
        """Be told what is new, from entering until leaving.

        Raises:
            Full: as many clients watch as are let in, or the hub is closed.

        """
        if self._closed or len(self._clients) >= self._max_clients:
            raise Full("as many clients watch as are let in")
        client = Client()
        self._clients.add(client)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll(), name="live poller")
        try:
            yield client
        finally:
            self._clients.discard(client)

    def close(self) -> None:
        """Ask every client's session to end, and let nobody in any more."""
        self._closed = True
        for client in self._clients:
            client.close()

    async def stop(self) -> None:
        """Close, and end the poller."""
        self.close()
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait({self._poller})

    async def _poll(self) -> None:
        try:
            while self._clients and not self._closed:
                # what waits for a store costs nobody else anything
                spent = time.thread_time()
                try:
                    state = await self._look()
                    told = time.monotonic()
                    await self._tell_everyone(state)
                except Exception:  # noqa: BLE001 - see the next line; it is logged with its trace
                    # Whoever watches must not go blind for good because one look failed.
                    _log.exception("a look at the live figures failed")
                    told = time.monotonic()
                await asyncio.sleep(
                    pause_after(time.thread_time() - spent, time.monotonic() - told)
                )
        finally:
            self._poller = None

    async def _look(self) -> LiveState:
        chosen = {client.selection for client in self._clients}
        return await self._reader.read({each for each in chosen if each is not None})

    async def _tell_everyone(self, state: LiveState) -> None:
        encoded: dict[tuple[str, Figures], str] = {}
        now = time.monotonic()
        everyone = list(self._clients)
        for start in range(0, len(everyone), _CLIENTS_AT_ONCE):
            for client in everyone[start : start + _CLIENTS_AT_ONCE]:
                if (selection := client.selection) in state.students or selection is None:
                    students = state.students[selection] if selection else 0
                    figures = Figures(state.total, selection, students, state.behind)
                    if client.wants(figures, now, self._heartbeat_s):
                        key = client.kind, figures
                        if (message := encoded.get(key)) is None:
                            message = encoded[key] = figures.encode(client.kind)
                        client.tell(figures, message, now)
            await asyncio.sleep(0)  # the senders' turn, and everyone else's


def pause_after(spent_s: float, took_s: float) -> float:
    """Give the pause after a round: until the next is due, and so that others get most of the time.

    Args:
        spent_s: seconds of CPU that looking and telling took.
        took_s: seconds that telling took.

    """
    others_want = spent_s / _SHARE_OF_TIME - spent_s
    return min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, ROUND_S - took_s, others_want))
