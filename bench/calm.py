"""A load with calm before and after it, a process of its own: ``python -m bench.calm``.

The calm load is an open loop on connections of its own. It rests while the other load is made, and
what it sees afterwards, slice by slice, says how long the system took to be as it was before.
"""

import asyncio
from collections.abc import Callable, Iterator

import msgspec

from bench.generator import Generator
from bench.histogram import Histogram
from bench.obeying import obey
from bench.orders import Calm, Order, Slice
from bench.tally import Tally, stores

_NANO = 1e9
_MEGA = 1e6


class CalmTally(Tally):
    """Keeps when each request was due, and how long it took to be stored."""

    def __init__(self) -> None:
        super().__init__()
        self._due: list[int] = []
        self._stored: list[tuple[int, int]] = []

    def count(self, name: str, due_ns: int) -> None:
        """Count an answer, and keep how long it took if it stored something."""
        super().count(name, due_ns)
        if stores(name):
            self._stored.append((due_ns, self.clock() - due_ns))

    def schedule(self, due_ns: int, now_ns: int) -> None:
        """Keep when a request was due."""
        super().schedule(due_ns, now_ns)
        self._due.append(due_ns)

    def slices(self, origin_ns: int, calm: Calm) -> Iterator[Slice]:
        """Tell what became of the requests, in slices of time before and after a moment."""
        length = int(calm.slice_s * _NANO)
        places = range(-int(calm.before_s / calm.slice_s), int(calm.after_s / calm.slice_s))
        due, times = dict.fromkeys(places, 0), {place: Histogram() for place in places}
        for at in self._due:
            if (place := (at - origin_ns) // length) in due:
                due[place] += 1
        for at, took in self._stored:
            if (place := (at - origin_ns) // length) in times:
                times[place].add(took)
        for place, seen in times.items():
            yield Slice(
                begins_s=place * calm.slice_s,
                due=due[place],
                stored=seen.total,
                p50_ms=seen.quantile(0.5) / _MEGA,
                p99_ms=seen.quantile(0.99) / _MEGA,
            )


class Amid:
    """A load amid a calm one."""

    def __init__(self, order: Order, tally: Tally) -> None:
        if order.calm is None:
            raise ValueError("the order has no calm load")
        self._calm = order.calm
        self._tally = tally
        self._seen = CalmTally()
        self._load = Generator(order, tally)
        self._light = Generator(
            msgspec.structs.replace(
                order,
                connections=order.calm.connections,
                rate=order.calm.rate,
                seed=order.seed + 1,
                calm=None,
            ),
            self._seen,
        )
        self._began_ns = self._ended_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    async def prepare(self) -> None:
        """Make the connections of both."""
        await self._light.prepare()
        await self._load.prepare()

    def start(self) -> None:
        """Begin with the calm load; the other one takes its place in time."""
        self._light.start()
        self._then(self._calm.before_s, self._storm)

    def stop(self) -> None:
        """End the load; the calm one goes on for a while."""
        self._load.stop()
        self._ended_ns = self._tally.clock()
        self._light.start()
        self._then(self._calm.after_s, self._end)

    @property
    def under_way(self) -> int:
        """How many requests have no answer yet; one more while the calm load goes on."""
        return self._load.under_way + self._light.under_way + (self._timer is not None)

    async def close(self) -> None:
        """Close the connections, and tell what the calm load saw."""
        before = [s for s in self._seen.slices(self._began_ns, self._calm) if s.begins_s < 0]
        after = [s for s in self._seen.slices(self._ended_ns, self._calm) if s.begins_s >= 0]
        self._tally.calm = before + after
        self._tally.absorb(self._seen)
        await self._light.close()
        await self._load.close()

    def _storm(self) -> None:
        self._timer = None
        self._light.stop()
        self._began_ns = self._tally.clock()
        self._load.start()

    def _end(self) -> None:
        self._timer = None
        self._light.stop()

    def _then(self, delay_s: float, what: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, what)


if __name__ == "__main__":
    obey(Amid)
