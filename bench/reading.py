"""``python -m bench.reading`` (`make bench-reading`): how quick reading is while records come.

For each size it starts a system of its own and fills the ledger. Each endpoint of the reporter is
asked in turn, at a fixed rate, through the gateway; and so many WebSockets are open and told of
each change. It tells of each process's memory when the ledger is filled and when it is all over.
With `--running` it measures the stack that runs, whatever its ledger has.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect

from bench.cases import FEW, Bench
from bench.histogram import Histogram
from bench.measured import APART, Measured
from bench.measuring import Measuring
from bench.processes import memory, used
from bench.system import PROJECTING, System, projected, system
from meshsplit.local.filling import seed_large
from meshsplit.local.run import open_run
from meshsplit.local.settings import load
from meshsplit.local.traffic import send_sample

_NANO: Final = 1_000_000_000
_MILLI: Final = 1_000_000
_MEGA: Final = 1e6
_SAMPLE: Final = 1_000
"""Records that `make up` sends into an empty ledger; a larger one is filled past the services."""
_WARM_S: Final = 3.0
_AT_ONCE: Final = 50


def endpoints(api: str) -> dict[str, str]:
    """Give each REST endpoint's URL by its name, for the largest course of the largest semester."""
    with httpx.Client(base_url=api, timeout=20) as client:
        terms = client.get("/semesters").raise_for_status().json()
        tops = {}
        for term in terms:
            (top,) = client.get("/courses/top", params={**term, "limit": 1}).json() or [None]
            tops[urlencode(term)] = top or {"students": 0, "course": ""}
    largest = max(tops, key=lambda term: int(tops[term]["students"]))
    course = quote(tops[largest]["course"], safe="")
    paths = {
        "semesters": "/semesters",
        "courses": f"/courses?{largest}",
        "results of a course": f"/courses/{course}/results?{largest}",
        "top courses": f"/courses/top?{largest}",
        "top students": "/students/top",
        "top students of a semester": f"/students/top?{largest}",
        "count": "/records/count",
    }
    return {name: api + path for name, path in paths.items()}


class Reading:
    """Asks the endpoints in turn, each question at its time."""

    def __init__(self, urls: Mapping[str, str], rate: float) -> None:
        self.urls = dict(urls)
        self._rate = rate
        self.times = {name: Histogram() for name in urls}
        self.wrong: list[str] = []

    async def run(self, seconds: float) -> None:
        """Ask for so long; a time counts from when its question was due."""
        began = time.monotonic_ns()
        async with httpx.AsyncClient(timeout=20) as client, asyncio.TaskGroup() as asking:
            for number in range(int(seconds * self._rate)):
                due = began + int(number * _NANO / self._rate)
                await asyncio.sleep((due - time.monotonic_ns()) / _NANO)
                asking.create_task(self._ask(client, number, due))

    async def _ask(self, client: httpx.AsyncClient, number: int, due: int) -> None:
        name = list(self.urls)[number % len(self.urls)]
        answer = await client.get(self.urls[name])
        self.times[name].add(time.monotonic_ns() - due)
        if answer.status_code != httpx.codes.OK:
            self.wrong.append(f"{name}: {answer.status_code}")


class Watching:
    """Clients of the live WebSocket that note when they are told of a total."""

    def __init__(self, url: str, clients: int) -> None:
        self.url = url
        self._clients = clients
        self._open: list[ClientConnection] = []
        self._listening: list[asyncio.Task[None]] = []
        self.told = 0
        self._first_with: dict[int, int] = {}

    async def begin(self) -> None:
        """Connect all."""
        for start in range(0, self._clients, _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, self._clients))
            self._open += await asyncio.gather(*(connect(self.url) for _ in some))
        self._listening = [asyncio.create_task(self._listen(each)) for each in self._open]

    async def end(self) -> None:
        """Disconnect all."""
        await asyncio.gather(*(each.close() for each in self._open))
        await asyncio.gather(*self._listening, return_exceptions=True)

    def last_told_of(self, total: int) -> int | None:
        """Give when the slowest client's message with at least so many records came."""
        found = [at for known, at in self._first_with.items() if known >= total]
        return min(found) if found else None

    async def _listen(self, client: ClientConnection) -> None:
        async for message in client:
            self.told += 1
            total = json.loads(message)["total"]
            self._first_with[total] = time.monotonic_ns()  # the last client to hear stays


async def delays(system: System, watching: Watching, count: int) -> Histogram:
    """Measure, one record at a time, from its acknowledgement to the last screen that shows it."""
    found = Histogram()
    body = {"carne": "1", "nombre": "a", "curso": "b", "nota": 61, "semestre": "c", "year": 2000}
    door = system.url(PROJECTING)
    async with httpx.AsyncClient(timeout=20) as client, connect(watching.url) as witness:
        total = int(json.loads(await witness.recv())["total"])
        for _ in range(count):
            (await client.post(f"{door}/", json=body)).raise_for_status()
            stored, total = time.monotonic_ns(), total + 1
            async with asyncio.timeout(10):
                while (at := watching.last_told_of(total)) is None:  # noqa: ASYNC110 - 1,000 tell
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.3)  # for the others to hear of it too
            found.add((watching.last_told_of(total) or at) - stored)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; 1 if anything was answered wrong."""
    asked = _parser().parse_args(arguments)
    if asked.running:
        return _at_rest_and_read(System(open_run(load())), asked)
    return max(_of_size(size, asked) for size in asked.sizes)


def _of_size(size: int, asked: argparse.Namespace) -> int:
    with system(lambda _: None) as running:
        send_sample(running.run, lambda _: None)
        if size > _SAMPLE:
            seed_large(running.run, size - _SAMPLE, 1, lambda _: None)
        return _at_rest_and_read(running, asked)


def _at_rest_and_read(running: System, asked: argparse.Namespace) -> int:
    api = f"http://{running.run.settings.gateway}/api/v1"
    total = httpx.get(f"{api}/records/count", timeout=20).raise_for_status().json()["total"]
    _say(f"{total:,} records in the ledger")
    _say(f"  at rest: {_held(running)}")
    reading = Reading(endpoints(api), asked.questions)
    failed = asyncio.run(_measure(running, api, reading, asked))
    _say(f"  after it: {_held(running)}")
    return failed


def _held(running: System) -> str:
    """Tell each process's memory; what several share is shared out among them."""
    held = sorted(memory(running.processes()).items(), key=lambda pair: -pair[1])
    whole = sum(size for name, size in held if name not in APART) / _MEGA
    each = ", ".join(f"{name} {size / _MEGA:.0f}" for name, size in held)
    return f"{whole:.0f} MB without {' and '.join(APART)} ({each})"


async def _measure(system: System, api: str, reading: Reading, asked: argparse.Namespace) -> int:
    measuring = Measuring(system, projected(system), warm_s=_WARM_S, measure_s=asked.seconds)
    writing = asyncio.to_thread(
        Bench(measuring, 1).through_the_arms, "reading", FEW, rate=asked.rate
    )
    measured, _ = await asyncio.gather(writing, _after(_WARM_S, reading.run(asked.seconds)))
    _say(_written(measured))
    for name, times in reading.times.items():
        _say(f"  {name:28} p50 {_ms(times, 0.5)}  p99 {_ms(times, 0.99)} ms of {times.total}")
    await _watch(system, asked.clients, _live(api))
    for wrong in {*reading.wrong, *measured.void}:
        _say(f"VOID: {wrong}")
    return int(bool(reading.wrong or measured.void))


async def _watch(system: System, clients: int, live: str) -> None:
    reporter = {"reporter": system.processes()["reporter"]}
    watching = Watching(live, clients)
    before = _own_memory(reporter["reporter"])
    await watching.begin()
    each = (_own_memory(reporter["reporter"]) - before) / clients
    cpu, began = used(reporter).cpu_s["reporter"], time.monotonic()
    found = await delays(system, watching, 20)
    share = (used(reporter).cpu_s["reporter"] - cpu) / (time.monotonic() - began)
    await watching.end()
    _say(
        f"{clients:,} live clients: {each / 1024:.0f} KiB each, {share:.0%} of a core; from a"
        f" commit to the last of them p50 {_ms(found, 0.5)}  p99 {_ms(found, 0.99)} ms"
    )


def _own_memory(process: psutil.Process) -> int:
    return int(process.memory_full_info().uss)


def _written(measured: Measured) -> str:
    void = f"; VOID: {'; '.join(measured.void)}" if measured.void else ""
    return (
        f"while {measured.per_second:.0f} records/s were written (p99 {measured.p99_ms:.0f} ms,"
        f" others {measured.others:.0%} of the machine){void}:"
    )


def _live(api: str) -> str:
    return api.replace("http://", "ws://") + "/live"


async def _after(seconds: float, work: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await work


def _ms(times: Histogram, share: float) -> str:
    return f"{times.quantile(share) / _MILLI:6.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000, 1_000_000, 10_000_000], help="of ledgers"
    )
    parser.add_argument("--running", action="store_true", help="measure the stack that runs")
    parser.add_argument("--rate", type=int, default=1000, help="records a second meanwhile")
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long")
    parser.add_argument("--questions", type=float, default=70.0, help="questions a second")
    parser.add_argument("--clients", type=int, default=1000, help="live clients")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
