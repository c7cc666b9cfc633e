"""The load generator, a process of its own: ``python -m bench.generator``."""

import asyncio
import contextlib
import os
import threading
import time

from bench.connections import Connection
from bench.loops import ClosedLoop, OpenLoop
from bench.obeying import obey
from bench.orders import Order
from bench.rendering import Requests
from bench.tally import Tally

_NANO = 1e9
_PAUSE_S = 0.5e-3
"""Between two wakings: at high rates a waking for each request would cost more than to send it."""


class Generator:
    """Sends requests over HTTP/1.1 connections that stay open."""

    def __init__(self, order: Order, tally: Tally) -> None:
        self._order = order
        requests = Requests(
            order.authority or f"{order.host}:{order.port}", order.seed, posts=order.posts
        )
        self._loop: ClosedLoop | OpenLoop
        if order.rate is None:
            self._loop = ClosedLoop(requests.next, tally, patient=order.patient)
        else:
            self._loop = OpenLoop(requests.next, tally, order.rate)
        self._ticker: _Ticker | None = None

    async def prepare(self) -> None:
        """Make the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(self._order.connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self._loop), self._order.host, self._order.port
            )
            self._loop.connections.append(connection)

    def start(self) -> None:
        """Begin to send."""
        self._loop.start()
        if isinstance(self._loop, OpenLoop):
            self._ticker = _Ticker(self._loop)

    def stop(self) -> None:
        """Send nothing new but what was due already."""
        self._loop.stop()
        if self._order.gives_up and isinstance(self._loop, OpenLoop):
            self._loop.give_up()
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    @property
    def under_way(self) -> int:
        """How many requests have no answer yet."""
        return sum(each.busy for each in self._loop.connections) + self._loop.waiting

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._loop.connections:
            connection.close()


class _Ticker:
    """Wakes the loop when a request is due: the loop's own timers are right to a millisecond."""

    def __init__(self, sending: OpenLoop) -> None:
        self._sending = sending
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read, self._due)
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wake it no more."""
        self._stopped.set()
        self._thread.join(1)
        self._loop.remove_reader(self._read)
        os.close(self._read)
        os.close(self._write)

    def _tick(self) -> None:
        while not self._stopped.is_set():
            due = self._sending.next_due_ns
            if due is None:
                return
            left = (due - time.monotonic_ns()) / _NANO
            if left > 0:
                time.sleep(left)
            else:
                with contextlib.suppress(BlockingIOError):  # it is woken often enough
                    os.write(self._write, b".")
                time.sleep(_PAUSE_S)  # all that falls due meanwhile is sent together

    def _due(self) -> None:
        os.read(self._read, 4096)
        self._sending.send_due()


if __name__ == "__main__":
    obey(Generator)
