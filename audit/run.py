"""One audit from its first record to its verdict."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import resources
from audit.checks import Finding, check, check_alike, check_charts, check_live, check_rollups
from audit.clients import Clients, Scene
from audit.cluster import Stores, linked_cluster
from audit.faults.fault import Fault
from audit.history import CALM
from audit.ledger import Ledger, read_ledger, read_live
from audit.nemesis import Nemesis, Row, check_recovery, endless, every_fault, run_all, shuffled
from audit.recount import charts, live_of
from audit.recovery import recovered
from audit.report import Verdict
from audit.stack import SETTINGS, System, linked, start
from audit.viewing import Viewer, check_live_view, read_charts
from meshsplit.local.run import Run
from meshsplit.split.weights import asked_split

WARM_UP_S = 8.0
REST_LIMIT_S = 60.0
"""Longer than the gateway keeps an idle connection to a service (30 s)."""
EXACT_LIMIT_S = 30.0
CLIENTS = 24
PASS_MARK = int(SETTINGS["MESHSPLIT_PASS_MARK"])


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    seed: int
    seconds: float
    """No new fault begins after so many."""
    wanted: Sequence[str] = ()
    """Parts of names of faults; none: all."""
    unwanted: Sequence[str] = ()
    """Parts of names of faults to leave out."""
    again: bool = False
    """Go on after each fault has been once, until the time is over."""
    rate: float = 150.0
    """Records a second while all is well."""


async def audit(
    run: Run, disk: Path | None, plan: Plan, tell: Callable[[Row], None], stores: Stores | None
) -> Verdict:
    """Start the system, trouble it, let it rest, and hold everything against everything.

    Raises what `up` raises, and LookupError when no fault has a name as wanted.
    """
    began = time.monotonic()
    dice = random.Random(plan.seed)  # noqa: S311  # a schedule, no secret
    of_links = random.Random(dice.random())  # noqa: S311  # as above
    if stores is None:
        system = await linked(run, disk, of_links)
    else:
        system = await linked_cluster(run, stores, of_links)
    try:
        faults = chosen(system, plan, dice)
        await start(system)
        scene = Scene(random.Random(dice.random()), system.doors)  # noqa: S311  # as above
        nemesis = Nemesis(system, scene, dice)
        viewer = Viewer(scene)
        async with resources.Watch(
            system, well=lambda: scene.during == CALM, stored=lambda: scene.history.stored
        ) as watch:
            clients = Clients(scene, count=CLIENTS, rate=plan.rate)
            async with viewer.looking(), clients.sending():
                await asyncio.sleep(WARM_UP_S)
                await run_all(nemesis, faults, seconds=plan.seconds, tell=tell)
                await asyncio.sleep(resources.SETTLED_S + resources.LOOK_EVERY_S)
            findings = [*viewer.findings, *check_recovery(nemesis.rows)]
            ledger, found = await _compare(system, scene)
            findings += found
            findings += await resources.at_rest(watch, len(ledger.records), REST_LIMIT_S)
            mirrored = len(live_of(ledger.records, system.mirrored).records)
            uses = resources.table(watch.lives, await asyncio.to_thread(watch.end))
        return Verdict(
            plan.seed,
            time.monotonic() - began,
            scene.history,
            nemesis.rows,
            uses,
            [
                f"{len(ledger.records)} records in the ledger, {mirrored} of them in Redis too",
                f"charts were asked for {viewer.answers} times meanwhile",
                f"the live view told {viewer.messages} times of news",
            ],
            findings,
        )
    finally:
        for link in system.links:
            await link.stop()


def chosen(system: System, plan: Plan, dice: random.Random) -> Iterator[Fault]:
    """Give the faults that a plan wants, in its seed's order; raises LookupError without any."""
    faults = [
        fault
        for fault in every_fault(system)
        if (not plan.wanted or any(part in fault.name for part in plan.wanted))
        and not any(part in fault.name for part in plan.unwanted)
    ]
    if not faults:
        names = ", ".join(fault.name for fault in every_fault(system))
        asked = ", ".join([*plan.wanted, *(f"without {part}" for part in plan.unwanted)])
        raise LookupError(f"no fault is called {asked}; there are {names}")
    return endless(faults, dice) if plan.again else iter(shuffled(faults, dice))


async def _compare(system: System, scene: Scene) -> tuple[Ledger, list[Finding]]:
    """Hold the ledger, Redis, the charts and the live view against what was sent and recounted."""
    lacking = await recovered(system, scene, EXACT_LIMIT_S)
    findings = [Finding("slow to recover", f"in the end: {lacking}")] if lacking else []
    until = time.monotonic() + EXACT_LIMIT_S
    while True:
        ledger = await asyncio.to_thread(read_ledger, system.mysql_url)
        live = await asyncio.to_thread(read_live, system.redis_url, system.mysql_url)
        behind = check_live(ledger, live, system.mirrored)
        if not behind or time.monotonic() > until:
            break
        await asyncio.sleep(1)
    arms = [arm.name for arm in asked_split(system.mesh).arms]
    answers = await read_charts(scene, list(charts(ledger.records, arms, PASS_MARK)))
    expected = live_of(ledger.records, system.mirrored)
    students = {course: len(ids) for course, ids in expected.students.items()}
    findings += [
        *check(scene.history, ledger),
        *check_rollups(ledger),
        *behind,
        *check_charts(ledger, answers, arms, PASS_MARK),
        *await check_live_view(scene, len(expected.records), students, EXACT_LIMIT_S),
    ]
    for number, url in enumerate(system.mysql_urls[1:], 2):
        other = await asyncio.to_thread(read_ledger, url)
        findings += check_alike(ledger, other, f"node {number}")
    return ledger, findings
