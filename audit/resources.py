"""What each process holds, looked at all along, and whether it gave it back."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import psutil

from audit.checks import Finding
from audit.stack import System

LOOK_EVERY_S = 1.0
SETTLED_S = 6.0
"""So long a process is used before it has loaded all that it needs."""
MEMORY_MB = 32
"""What a burst may leave behind in a process's allocator, however long it lives."""
FILES = 48
BUFFERS_MB = {"mariadb": 640, "node": 192}
"""What a store fills up by design: MariaDB its buffer pool of 512 MB and what goes with it, a node
of the cluster its pool and its cache of what the others may lack, of 64 MB each."""
BYTES_A_RECORD = 1000
"""What Redis may take for one; four times what is asked of it, for the sets that grow in steps."""
MB = 1_000_000


@dataclass(frozen=True)
class Use:
    """What a process holds: memory in bytes, open files, and of those the TCP connections."""

    pid: int
    memory: int
    files: int
    connections: int


def use_of(pid: int) -> Use | None:
    """Look at a process; None when it has gone."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            listening = psutil.CONN_LISTEN
            connections = [c for c in process.net_connections("tcp") if c.status != listening]
            return Use(pid, process.memory_info().rss, process.num_fds(), len(connections))
    except psutil.Error:
        return None


@dataclass(frozen=True)
class Moment:
    """When a process was looked at, by the monotonic clock, and the records stored by then."""

    at: float
    stored: int


@dataclass
class Life:
    """A service's process, from when it had settled to when it was last looked at in calm."""

    name: str
    start: Use
    began: Moment
    memory: int
    """At the last look."""
    last: Moment

    def seen(self, memory: int, moment: Moment) -> None:
        """Note what it holds now."""
        self.memory, self.last = memory, moment

    @property
    def seconds(self) -> float:
        """How long it was watched."""
        return self.last.at - self.began.at

    @property
    def stored(self) -> int:
        """How many records were stored meanwhile, by whichever arm."""
        return self.last.stored - self.began.stored


class Watch:
    """Looks at every process each second; the first look at a settled one is its measure.

    Args:
        system: whose processes.
        well: tells whether no fault is going on: only then is a process settled, or looked at.
        stored: tells how many records are known to be stored.

    """

    def __init__(
        self, system: System, *, well: Callable[[], bool], stored: Callable[[], int]
    ) -> None:
        self._system = system
        self._well = well
        self._stored = stored
        self._first: dict[int, float] = {}
        self._lives: dict[int, Life] = {}
        """By process, also of those that have gone."""
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look_on(), name="watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _look_on(self) -> None:
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        now = Moment(time.monotonic(), self._stored())
        for name, pid in self._system.pids().items():
            if not pid or not (pid in self._first or self._well()):
                continue
            first = self._first.setdefault(pid, now.at)
            if pid not in self._lives:
                use = use_of(pid) if now.at - first >= SETTLED_S else None
                if use is not None:
                    self._lives[pid] = Life(name, use, now, use.memory, now)
            elif self._well():
                with contextlib.suppress(psutil.Error):
                    self._lives[pid].seen(psutil.Process(pid).memory_info().rss, now)

    @property
    def lives(self) -> list[Life]:
        """Every process that had settled, in the order in which they did."""
        return list(self._lives.values())

    def end(self) -> dict[str, Use]:
        """Look at each service's process of now, if it has a measure."""
        now = Moment(time.monotonic(), self._stored())
        ends = {}
        for life in {life.name: life for life in self.lives}.values():
            use = use_of(life.start.pid)
            if use is not None:
                life.seen(use.memory, now)
                ends[life.name] = use
        return ends


def check_leaks(lives: Sequence[Life], end: dict[str, Use], records: int) -> list[Finding]:
    """Hold what each process held last, and what is left at rest, against measure and bounds."""
    findings = []
    for life in lives:
        kind = life.name.partition(" ")[0]  # a store of several has a number
        most = life.start.memory + BUFFERS_MB.get(kind, MEMORY_MB) * MB
        if kind == "redis":
            most += records * BYTES_A_RECORD
        if life.memory > most:
            words = (
                f"{life.name} has {life.memory / MB:.0f} MB after {life.seconds:.0f} s and"
                f" {life.stored} records, at most {most / MB:.0f} were expected"
            )
            findings.append(Finding("leak", words))
        now = end.get(life.name)
        if now is None or now.pid != life.start.pid:
            continue
        for what in ("files", "connections"):
            first, last = getattr(life.start, what), getattr(now, what)
            if last > first + FILES:
                findings.append(Finding("leak", f"{life.name} has {last} {what}, had {first}"))
    return findings


async def at_rest(watch: Watch, records: int, limit_s: float) -> list[Finding]:
    """Wait until nothing is held any more that shouldn't be; what still is then is a leak."""
    until = time.monotonic() + limit_s
    while True:
        end = await asyncio.to_thread(watch.end)
        found = check_leaks(watch.lives, end, records)
        if not found or time.monotonic() > until:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


TABLE = (
    "process, at first → at the end",
    "memory",
    "watched",
    "records meanwhile",
    "files",
    "connections",
)


def table(lives: Sequence[Life], end: dict[str, Use]) -> Sequence[tuple[str, ...]]:
    """Return a row for each service: what it held at first and in the end.

    Memory is of the process of its that was watched longest, files and connections of its last.
    """
    rows = []
    for name, now in sorted(end.items()):
        its = [life for life in lives if life.name == name]
        longest, last = max(its, key=lambda life: life.seconds), its[-1]
        rows.append(
            (
                name,
                f"{longest.start.memory / MB:.0f} → {longest.memory / MB:.0f} MB",
                f"{longest.seconds:.0f} s",
                str(longest.stored),
                f"{last.start.files} → {now.files}",
                f"{last.start.connections} → {now.connections}",
            )
        )
    return rows
