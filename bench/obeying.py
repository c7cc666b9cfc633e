"""How a process that makes load is told to, so that whoever measures it knows when it counts.

It reads an order from the first line it is given, gets ready, says "ready", begins when it is given
another line, and ends with a report. The second line is when the time that counts begins, by the
machine's monotonic clock, so that others can be measured at the same moments.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import uvloop

from bench.orders import Order, Report
from bench.tally import Tally

_READY_S = 20.0
_PAUSE_S = 0.01


class Work(Protocol):
    """Load of some kind."""

    async def prepare(self) -> None:
        """Get ready, connections made."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Begin nothing new."""

    @property
    def under_way(self) -> int:
        """How much is not answered yet."""

    async def close(self) -> None:
        """Let go of everything, answered or not."""


def obey(make: Callable[[Order, Tally], Work]) -> None:
    """Carry out one order, from standard input to standard output."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(_carry_out(order, make))
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")


async def _carry_out(order: Order, make: Callable[[Order, Tally], Work]) -> Report:
    tally = Tally()
    work = make(order, tally)
    async with asyncio.timeout(_READY_S):
        await work.prepare()
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it again would only cost
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    work.start()
    await asyncio.sleep(float(line) - time.monotonic())
    cpu, began = time.process_time(), time.monotonic()
    tally.begin()
    await asyncio.sleep(order.measure_s)
    tally.end()
    cpu, wall = time.process_time() - cpu, time.monotonic() - began
    work.stop()
    until = time.monotonic() + order.settle_s + (order.calm.after_s if order.calm else 0)
    while work.under_way and time.monotonic() < until:  # noqa: ASYNC110 - many things end it
        await asyncio.sleep(_PAUSE_S)
    if work.under_way:
        tally.lose(f"no answer {order.settle_s:g} s after the end", work.under_way)
    await work.close()
    return tally.report(cpu, wall)
