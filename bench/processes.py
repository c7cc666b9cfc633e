"""What the system's processes have used, and what else the machine does meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Used:
    """CPU seconds at one moment."""

    cpu_s: Mapping[str, float]
    """By process name; user and system time."""
    machine_s: float
    """CPU seconds that the machine had, on all cores."""
    idle_s: float
    """Those in which it had nothing to do."""

    def since(self, before: "Used") -> "Used":
        """Give what was used between two moments."""
        return Used(
            {name: cpu - before.cpu_s.get(name, 0) for name, cpu in self.cpu_s.items()},
            self.machine_s - before.machine_s,
            self.idle_s - before.idle_s,
        )


def used(processes: Mapping[str, psutil.Process]) -> Used:
    """Look at processes now.

    Raises:
        psutil.Error: one of them has gone, so what it used can't be known.

    """
    cpu = {}
    for name, process in processes.items():
        times = process.cpu_times()
        cpu[name] = times.user + times.system
    machine = psutil.cpu_times()
    # guest time is part of user time already
    total = sum(machine) - getattr(machine, "guest", 0) - getattr(machine, "guest_nice", 0)
    return Used(cpu, total, machine.idle + getattr(machine, "iowait", 0))


def resident(processes: Mapping[str, psutil.Process]) -> dict[str, int]:
    """Give each process's resident bytes, which is quickly told.

    Raises:
        psutil.Error: one of them has gone.

    """
    return {name: process.memory_info().rss for name, process in processes.items()}


def memory(processes: Mapping[str, psutil.Process]) -> dict[str, int]:
    """Give each process's bytes; what several share is shared out among them where that is told.

    Raises:
        psutil.Error: one of them has gone.

    """
    infos = {name: process.memory_full_info() for name, process in processes.items()}
    return {name: int(getattr(info, "pss", info.rss)) for name, info in infos.items()}
