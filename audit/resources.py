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
MEMORY_FACTOR, MEMORY_MB = 1.3, 48
FILES = 48
BUFFERS_MB = {"mariadb": 640}
"""What a store fills up by design: MariaDB its buffer pool of 256 MB and what goes with it."""
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


class Watch:
    """Looks at every process each second; the first look at a settled one is its measure.

    Args:
        system: whose processes.
        well: tells whether no fault is going on: a process settles only from then on.

    """

    def __init__(self, system: System, well: Callable[[], bool]) -> None:
        self._system = system
        self._well = well
        self._first: dict[int, float] = {}
        self.start: dict[str, Use] = {}
        """By service: what its process of now held when it had settled."""
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
        now = time.monotonic()
        for name, process in self._system.run.supervisor.processes().items():
            if not process.pid or not (process.pid in self._first or self._well()):
                continue
            first = self._first.setdefault(process.pid, now)
            known = self.start.get(name)
            if now - first >= SETTLED_S and (known is None or known.pid != process.pid):
                use = use_of(process.pid)
                if use is not None:
                    self.start[name] = use

    def end(self) -> dict[str, Use]:
        """Look at every process that has a measure."""
        ends = {name: use_of(use.pid) for name, use in self.start.items()}
        return {name: use for name, use in ends.items() if use is not None}


def check_leaks(start: dict[str, Use], end: dict[str, Use], records: int) -> list[Finding]:
    """Hold what each process holds in the end, at rest, against its measure and the bounds."""
    findings = []
    for name, now in end.items():
        if now.pid != start[name].pid:
            continue
        before = start[name]
        extra = BUFFERS_MB.get(name, MEMORY_MB) * MB
        if name == "redis":
            extra += records * BYTES_A_RECORD
        most = int(before.memory * MEMORY_FACTOR) + extra
        if now.memory > most:
            words = f"{name} has {now.memory / MB:.0f} MB, at most {most / MB:.0f} were expected"
            findings.append(Finding("leak", words))
        for what in ("files", "connections"):
            first, last = getattr(before, what), getattr(now, what)
            if last > first + FILES:
                findings.append(Finding("leak", f"{name} has {last} {what}, had {first}"))
    return findings


async def at_rest(watch: Watch, records: int, limit_s: float) -> list[Finding]:
    """Wait until nothing is held any more that shouldn't be; what still is then is a leak."""
    until = time.monotonic() + limit_s
    while True:
        found = check_leaks(watch.start, await asyncio.to_thread(watch.end), records)
        if not found or time.monotonic() > until:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


def table(start: dict[str, Use], end: dict[str, Use]) -> Sequence[tuple[str, ...]]:
    """Return a row for each service: what it held at first and in the end."""
    return [
        (
            name,
            f"{start[name].memory / MB:.0f} → {now.memory / MB:.0f} MB",
            f"{start[name].files} → {now.files}",
            f"{start[name].connections} → {now.connections}",
        )
        for name, now in sorted(end.items())
    ]
