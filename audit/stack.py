"""The audit's own system: `make up`'s code, with a link of ours between each pair that talks."""

import asyncio
import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from audit.links import Link
from audit.posting import Door
from meshsplit.local import up as starting
from meshsplit.local.places import give, own_folder
from meshsplit.local.ports import free_ports
from meshsplit.local.readiness import amiss
from meshsplit.local.run import Run
from meshsplit.local.stack import Service
from meshsplit.local.temporary import LiveStack, own_run
from meshsplit.split.weights import asked_split

NEEDED_STAGES = frozenset({"stores", "schema", "services", "gateway"})
NOT_NEEDED = frozenset({"dashboard"})
"""Pages: they hold nothing that could be lost."""
SETTINGS = {
    "MESHSPLIT_STORE_TIMEOUT_S": "2",
    "MESHSPLIT_QUEUE_LIMIT": "64",
    "MESHSPLIT_PASS_MARK": "61",
}
"""Time-outs that are reached within a fault's seconds, a queue that can be filled, a known mark."""
MOUNT_LIMIT_S = 20

# who talks to whom: service, the setting that says where, whose port that is, whether it writes
STORE_LINKS = (
    ("ingest", "MESHSPLIT_MYSQL_URL", "mariadb", True),
    ("ingest", "MESHSPLIT_REDIS_URL", "redis", True),
    ("recorder", "MESHSPLIT_MYSQL_URL", "mariadb", True),
    ("bridge", "MESHSPLIT_RECORDER", "recorder_grpc", True),
    ("reporter", "MESHSPLIT_MYSQL_URL", "mariadb", False),
    ("reporter", "MESHSPLIT_REDIS_URL", "redis", False),
)
BEHIND_GATEWAY = ("reporter:8000",)
COLLECTOR, TO_SPANS = "MESHSPLIT_OTLP_ENDPOINT", "services to spans"
"""The setting that says where every service's spans go, and the link that they all share."""


@dataclass(frozen=True)
class System(LiveStack):
    """A running system with its links."""

    links: Sequence[Link]
    disk: Path | None
    """The mount point of the file system that MariaDB's data has to itself, if it has one."""

    @property
    def services(self) -> Sequence[Service]:
        """Everything that runs on."""
        return [service for service in self.run.services if not service.once]

    def pids(self) -> dict[str, int]:
        """Return the process of everything that runs, 0 for what doesn't at the moment."""
        return {name: each.pid for name, each in self.run.supervisor.processes().items()}

    @property
    def mysql_urls(self) -> Sequence[str]:
        """The ledger, wherever it is kept: each is to hold the same."""
        return [self.mysql_url]

    @property
    def doors(self) -> list[Door]:
        """The gateway, then each arm's own port, by what the mesh's files say."""
        hosts = self.run.stack.hosts
        own = [
            Door(arm.name, self.ports[hosts[host]])
            for arm in asked_split(self.mesh).arms
            for host in hosts
            if host.partition(":")[0] == arm.host
        ]
        return [Door("gateway", self.ports["gateway"]), *own]

    @property
    def mirrored(self) -> frozenset[str]:
        """The arms whose records Redis must hold: those whose service writes to it.

        Raises LookupError when there is none: then nothing would be expected of Redis.
        """
        writing = {name for name, _, target, writes in STORE_LINKS if target == "redis" and writes}
        arms = frozenset(arm.name for arm in asked_split(self.mesh).arms if arm.host in writing)
        if not arms:
            raise LookupError(f"no arm is served by {', '.join(sorted(writing))}")
        return arms

    def amiss(self) -> list[str]:
        """Say of every service that isn't ready what it lacks."""
        states = self.run.supervisor.processes()
        lacking = {
            s.name: states[s.name].state if s.name in states else "unknown to the supervisor"
            for s in self.services
            if s.name not in states or states[s.name].state not in {"RUNNING", "STARTING"}
        }
        for service in self.services:
            if said := amiss(service.ready, self.run.passwords):
                lacking.setdefault(service.name, said)
        return [f"{name}: {said}" for name, said in lacking.items()]


@contextmanager
def prepared(*, disk_mb: int) -> Iterator[tuple[Run, Path | None]]:
    """Prepare the audit's system, and remove it at the end; enter it in the main thread.

    Gives the run, and where MariaDB's small file system is mounted: None where this isn't allowed.
    """
    with own_run(**SETTINGS) as run:
        yield run, _small_disk(run, disk_mb)


async def linked(
    run: Run,
    disk: Path | None,
    dice: random.Random,
    to_stores: Sequence[tuple[str, str, str, bool]] = STORE_LINKS,
) -> System:
    """Start the links of a system that is still to be started."""
    services = [s for s in run.services if s.stage in NEEDED_STAGES and s.name not in NOT_NEEDED]
    arms = [f"{arm.host}:" for arm in asked_split(run.settings.mesh).arms]
    routed = [h for h in run.stack.hosts if h in BEHIND_GATEWAY or h.startswith(tuple(arms))]
    hosts = run.stack.hosts
    stack = run.settings.stack.read_text()
    names = [f"link_{hosts[host]}" for host in routed]
    names += [f"{service}_{target}" for service, _, target, _ in to_stores]
    names.append("link_otlp")
    ports = with_more(run.settings.ports, names)
    links = []
    for host in routed:
        target = hosts[host]
        links.append(Link(f"gateway to {host.partition(':')[0]}", ports[target], dice))
        await links[-1].start(ports[f"link_{target}"])
        stack = _replaced(stack, f'"{host}" = "{target}"', f'"{host}" = "link_{target}"')
    for name, setting, target, writes in to_stores:
        whom = target.partition("_")[0]
        links.append(Link(f"{name} to {whom}", ports[target], dice, writes=writes))
        await links[-1].start(ports[f"{name}_{target}"])
        services = [
            _moved(s, setting, ports[target], ports[f"{name}_{target}"]) if s.name == name else s
            for s in services
        ]
    links.append(Link(TO_SPANS, ports["otlp"], dice, writes=False))
    await links[-1].start(ports["link_otlp"])
    services = [
        _moved(s, COLLECTOR, ports["otlp"], ports["link_otlp"])
        if s.ours and s.stage == "services"
        else s
        for s in services
    ]
    path = run.here.state / "stack.toml"
    path.write_text(stack)
    settings = replace(run.settings, ports=ports, stack=path)
    return System(replace(run, services=tuple(services), settings=settings), links, disk)


async def start(system: System) -> None:
    """Start a system around its links; raises what `up` raises."""
    await asyncio.to_thread(starting.up, system.run, lambda _: None)


def await_other(system: System, name: str, pid: int, limit_s: float) -> None:
    """Wait until a service that was killed runs again, as another process.

    Raises TimeoutError.
    """
    until = time.monotonic() + limit_s
    while system.pid(name) in {0, pid} or not psutil.pid_exists(system.pid(name)):
        if time.monotonic() > until:
            raise TimeoutError(f"{name} wasn't started again within {limit_s:.0f} s")
        time.sleep(0.05)


def with_more(ports: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Choose more ports: such as nobody has, nor is about to have."""
    chosen = free_ports(map(str, range(len(names) + len(ports)))).values()
    others = (port for port in chosen if port not in ports.values())
    return {**ports, **dict(zip(names, others, strict=False))}


def _moved(service: Service, setting: str, port: int, link: int) -> Service:
    moved = _replaced(service.environment[setting], f":{port}", f":{link}")
    return replace(service, environment={**service.environment, setting: moved})


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise LookupError(f"expected {old} once, to put a link there")
    return text.replace(old, new)


def _small_disk(run: Run, size_mb: int) -> Path | None:
    """Give MariaDB's data a file system of its own, in memory, which can be filled."""
    user = run.user_of(run.service("mariadb"))
    folder = own_folder(run.here, "mariadb", user)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603  # of our own making
            command, capture_output=True, timeout=MOUNT_LIMIT_S, check=False
        )
    except OSError:
        return None
    if done.returncode != 0:
        return None
    give(folder, user)
    return folder
