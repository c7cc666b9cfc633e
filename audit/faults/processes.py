"""Processes that die, stop and are restarted."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import psutil

from audit.faults.fault import Fault, Stage
from audit.stack import System, await_other

PAUSES_S = (2.0, 4.0)
AGAIN_S = 20.0
STORE_WITHIN_S = 25.0
"""A store reads its log again before it answers."""
START_WITHIN_S = 15.0
"""A few seconds for its start, and the five for which the gateway then still passes it by."""
POWER_WITHIN_S = 40.0


def process_faults(system: System) -> list[Fault]:
    """Return a kill and a pause of each process, a rolling restart, and a power cut."""
    stores = {s.name for s in system.services if s.stage == "stores"}
    faults = []
    for service in system.services:
        within = STORE_WITHIN_S if service.name in stores else START_WITHIN_S
        faults += [
            Fault(f"kill -9 {service.name}", _kill(service.name), within),
            Fault(f"SIGSTOP {service.name}", _pause(service.name)),
        ]
    return [
        *faults,
        Fault("rolling restart", _restart),
        Fault("kill -9 everything at once", _power_cut, POWER_WITHIN_S),
    ]


def _kill(name: str) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(stage: Stage) -> str | None:
        pid = await asyncio.to_thread(stage.system.pid, name)
        psutil.Process(pid).kill()
        stage.heals()
        await asyncio.to_thread(await_other, stage.system, name, pid, AGAIN_S)
        return None

    return run


def _pause(name: str) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(stage: Stage) -> str | None:
        process = psutil.Process(await asyncio.to_thread(stage.system.pid, name))
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(stage.dice.uniform(*PAUSES_S))
        finally:
            process.send_signal(signal.SIGCONT)
        return None

    return run


async def _restart(stage: Stage) -> str | None:
    """Stop and start each service of ours in turn, as `meshsplit restart` does one."""
    for service in stage.system.services:
        if service.ours:
            await asyncio.to_thread(stage.system.stop, service.name)
            await asyncio.to_thread(stage.system.start, service.name)
    return None


async def _power_cut(stage: Stage) -> str | None:
    processes = await asyncio.to_thread(stage.system.run.supervisor.processes)
    pids = {name: process.pid for name, process in processes.items() if process.pid}
    for pid in pids.values():
        psutil.Process(pid).kill()
    stage.heals()
    for name, pid in pids.items():
        await asyncio.to_thread(await_other, stage.system, name, pid, AGAIN_S)
    return None
