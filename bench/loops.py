"""The two ways to send: as soon as there is an answer, or each request at its time.

In a closed loop a slow system is asked less often, so its latency says little; it is for
saturation. In an open loop a request is due whatever became of those before it, and its latency
counts from then: one that finds no free connection has its wait in it. (That is the correction for
coordinated omission: nothing is left out because the system was slow.)
"""

import asyncio
from collections import deque
from collections.abc import Callable

from bench.answers import Answer
from bench.connections import Connection
from bench.tally import Tally

_SECOND = 1_000_000_000


class ClosedLoop:
    """Each connection sends its next request when the last one is answered."""

    def __init__(self, make: Callable[[], bytes], tally: Tally, *, patient: bool) -> None:
        self._make = make
        self._tally = tally
        self._patient = patient
        self._ending = False
        self.connections: list[Connection] = []

    def start(self) -> None:
        """Send the first request on every connection."""
        for connection in self.connections:
            self._send(connection)

    def stop(self) -> None:
        """Send no more."""
        self._ending = True

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection: none ever."""
        return 0

    def answered(self, connection: Connection, answer: Answer, due_ns: int) -> None:
        """Count, and send the next; after a refusal, if patient, when it says."""
        self._tally.count(answer.name, due_ns)
        if answer.retry_after_s and self._patient:
            loop = asyncio.get_running_loop()
            loop.call_later(answer.retry_after_s, self._send, connection)
        else:
            self._send(connection)

    def failed(self, connection: Connection, what: str) -> None:
        """Count a loss; the connection is out of the game."""
        self._tally.lose(what)
        self.connections.remove(connection)

    def _send(self, connection: Connection) -> None:
        if not self._ending:
            connection.send(self._make(), self._tally.clock())


class OpenLoop:
    """Requests at a rate; whoever ticks calls :meth:`send_due` whenever one may be due."""

    def __init__(self, make: Callable[[], bytes], tally: Tally, rate: float) -> None:
        self._make = make
        self._tally = tally
        self._rate = rate
        self._began_ns: int | None = None
        self._sent = 0
        self._waiting: deque[int] = deque()
        self._free: list[Connection] = []
        self.connections: list[Connection] = []

    def start(self) -> None:
        """Let the first request be due now."""
        self._free = [each for each in self.connections if not each.busy]
        self._began_ns, self._sent = self._tally.clock(), 0

    def stop(self) -> None:
        """Let no more be due."""
        self._began_ns = None

    def give_up(self) -> None:
        """Never send what waits for a connection."""
        self._waiting.clear()

    @property
    def next_due_ns(self) -> int | None:
        """When the next request is due, by the monotonic clock; None: never."""
        if self._began_ns is None:
            return None
        return self._began_ns + int(self._sent * _SECOND / self._rate)

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return len(self._waiting)

    def send_due(self) -> None:
        """Send whatever is due, or let it wait for a connection."""
        while (due := self.next_due_ns) is not None and due <= (now := self._tally.clock()):
            self._sent += 1
            self._tally.schedule(due, now)
            if self._free:
                self._free.pop().send(self._make(), due)
            else:
                self._waiting.append(due)

    def answered(self, connection: Connection, answer: Answer, due_ns: int) -> None:
        """Count, and use the connection for what has waited longest."""
        self._tally.count(answer.name, due_ns)
        if self._waiting:
            connection.send(self._make(), self._waiting.popleft())
        else:
            self._free.append(connection)

    def failed(self, connection: Connection, what: str) -> None:
        """Count a loss; the connection is out of the game."""
        self._tally.lose(what)
        self.connections.remove(connection)
        if connection in self._free:
            self._free.remove(connection)
