"""Faults from a seed, one after another, and what the clients saw of each."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from audit.checks import Finding
from audit.clients import Scene
from audit.cluster import Cluster
from audit.faults.cluster import cluster_faults
from audit.faults.connections import connection_faults
from audit.faults.fault import Fault, Impossible, Stage, Wrong
from audit.faults.processes import process_faults
from audit.faults.stores import store_faults
from audit.faults.traffic import traffic_faults
from audit.history import CALM, Outcome
from audit.recovery import recovered
from audit.stack import System

CALM_S = (0.5, 1.5)
PAIRED = 0.4
"""The share of a long audit's faults that come with another, of a connection."""
PAIR = " + "
"""Stands between the names of two that come at once."""
PATIENCE = 3.0
"""So many times its bound is a recovery waited for, to say how long it really took."""
LONGEST_S = 120.0
"""A fault that takes longer than this to do and undo is itself what is wrong."""


@dataclass(frozen=True)
class Row:
    """What one fault did."""

    fault: str
    held_s: float
    acknowledged: int
    refused: int
    unknown: int
    recovered_s: float
    within_s: float
    complaint: str | None = None
    impossible: str | None = None
    went_on_s: float | None = None
    """How soon every arm stored again while it went on."""
    both: bool | None = None
    """Of two faults at once: whether both had an effect."""


def every_fault(system: System) -> list[Fault]:
    """Return all there are, in an order that is always the same."""
    if isinstance(system, Cluster):
        return cluster_faults(system)
    makers = (process_faults, connection_faults, store_faults, traffic_faults)
    return [fault for make in makers for fault in make(system)]


def shuffled(faults: Sequence[Fault], dice: random.Random) -> list[Fault]:
    """Return each fault once, in the order of the seed."""
    return dice.sample(faults, len(faults))


def endless(faults: Sequence[Fault], dice: random.Random) -> Iterator[Fault]:
    """Yield faults as the seed has them, for ever; each comes as often as any other, some in pairs.

    A pair is a fault of a connection and one of something else: these never undo each other.
    """
    of_links = [fault for fault in faults if fault.of_link]
    while True:
        for fault in shuffled(faults, dice):
            if not fault.of_link and of_links and dice.random() < PAIRED:
                yield together(fault, dice.choice(of_links))
            else:
                yield fault


def together(first: Fault, second: Fault) -> Fault:
    """Let two faults happen at once; either may leave the other without effect, which is counted.

    Whatever else one says, the other is waited for, and nothing goes on into the recovery.
    """

    async def run(stage: Stage) -> str | None:
        stages = [Stage(stage.system, stage.scene, stage.dice) for _ in (first, second)]

        async def one(fault: Fault, own: Stage) -> str | None:
            try:
                return await fault.run(own)
            finally:
                own.healed_at = own.healed_at or time.monotonic()

        said = await asyncio.gather(
            one(first, stages[0]), one(second, stages[1]), return_exceptions=True
        )
        stage.healed_at = max(own.healed_at or 0 for own in stages)
        errors = [each for each in said if isinstance(each, BaseException)]
        if wrong := [each for each in errors if not isinstance(each, Impossible)]:
            raise Wrong("; ".join(map(_words, wrong)))
        for impossible in errors:
            raise impossible
        stage.both = all(each is None for each in said)
        return None

    name = f"{first.name}{PAIR}{second.name}"
    return Fault(name, run, max(first.within_s, second.within_s))


class Nemesis:
    """Lets faults happen and keeps what came of them."""

    def __init__(self, system: System, scene: Scene, dice: random.Random) -> None:
        self._system = system
        self._scene = scene
        self._dice = dice
        self.rows: list[Row] = []

    async def let(self, fault: Fault) -> Row:
        """Let one fault happen, and wait until all is well again."""
        scene, history = self._scene, self._scene.history
        stage = Stage(self._system, scene, self._dice)
        await asyncio.sleep(self._dice.uniform(*CALM_S))
        scene.during = f"{len(self.rows) + 1} {fault.name}"
        began = time.monotonic()
        complaint, impossible = await done(fault.run(stage))
        ended = time.monotonic()
        healed = stage.healed_at or ended
        lacking = await recovered(self._system, scene, fault.within_s * PATIENCE)
        well = time.monotonic()
        amiss = [complaint] if complaint else []
        if lacking:
            amiss.append(f"not well again: {lacking}")
        if fault.harmless and (failed := self._failed()):
            amiss.append(f"requests that failed, and none may: {failed}")
        row = Row(
            fault.name,
            held_s=healed - began,
            acknowledged=history.count(scene.during, Outcome.ACKNOWLEDGED),
            refused=history.count(scene.during, Outcome.REFUSED),
            unknown=history.count(scene.during, Outcome.UNKNOWN),
            recovered_s=well - healed,
            within_s=fault.within_s,
            complaint="; ".join(amiss) or None,
            impossible=impossible,
            went_on_s=stage.went_on_s,
            both=stage.both,
        )
        scene.during = CALM
        self.rows.append(row)
        return row

    def _failed(self) -> int:
        scene = self._scene
        return sum(
            attempt.during == scene.during
            and attempt.outcome in {Outcome.REFUSED, Outcome.UNKNOWN}
            and not attempt.hasty
            for entry in scene.history.entries
            for attempt in entry.attempts
        )


async def run_all(
    nemesis: Nemesis, faults: Iterator[Fault], *, seconds: float, tell: Callable[[Row], None]
) -> None:
    """Let faults happen until there are none left, or no time."""
    until = time.monotonic() + seconds
    for fault in faults:
        if time.monotonic() > until:
            return
        tell(await nemesis.let(fault))


def check_recovery(rows: Sequence[Row]) -> list[Finding]:
    """Hold each recovery against its bound, and each fault to having had an effect.

    An audit none of whose faults could be tried has shown nothing: that is a finding, too.
    """
    findings = [
        Finding("slow to recover", f"{r.fault}: {r.recovered_s:.1f} s, bound {r.within_s:.0f} s")
        for r in rows
        if r.recovered_s > r.within_s
    ]
    findings += [Finding("fault", f"{r.fault}: {r.complaint}") for r in rows if r.complaint]
    if all(row.impossible for row in rows):
        findings.append(Finding("fault", "none was tried"))
    return findings


async def done(doing: Awaitable[str | None]) -> tuple[str | None, str | None]:
    """Wait for a fault; say what it complains of, and what makes it impossible here."""
    try:
        async with asyncio.timeout(LONGEST_S):
            return await doing, None
    except Impossible as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told, and the run goes on
        return _words(error), None


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
