"""The audit's system on stores that outlive a machine: three nodes of Galera, and Sentinels."""

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from audit.servers.galera import NODES, Galera
from audit.servers.sentinel import Guarded
from audit.stack import STORE_LINKS, System, linked
from meshsplit.local.run import Run

CLEAN_UP = """
import contextlib
import shutil
import sys
import time
from pathlib import Path
import psutil
def goes_on(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE  # ended; its parent has not asked
    return False
sys.stdin.read()  # ends when whoever started this is gone, however it went
mine = []
for process in psutil.process_iter():
    with contextlib.suppress(psutil.Error):
        if Path(process.cwd()).is_relative_to(sys.argv[1]):
            process.kill()
            mine.append(process)
until = time.monotonic() + 20
while any(map(goes_on, mine)) and time.monotonic() < until:
    time.sleep(0.05)
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
CLEANER_LIMIT_S = 40
REPLACED = frozenset({"mariadb", "redis"})
TO_FIRST_NODE = [link for link in STORE_LINKS if link[2] == "mariadb"]
"""Only the node that all use has links: to the others nothing goes while it is there."""


@dataclass(frozen=True)
class Stores:
    """What a cluster's system has instead of one MariaDB and one Redis."""

    galera: Galera
    guarded: Guarded


@dataclass(frozen=True)
class Cluster(System):
    """A running system on a cluster's stores."""

    stores: Stores

    def pids(self) -> dict[str, int]:
        """Return each service's, each node's and each Redis' process."""
        nodes = enumerate(self.stores.galera.nodes, 1)
        servers = enumerate(self.stores.guarded.servers.values(), 1)
        return {
            **super().pids(),
            **{f"node {number}": node.program.pid for number, node in nodes},
            **{f"redis {number}": server.program.pid for number, server in servers},
        }

    @property
    def mysql_urls(self) -> list[str]:
        """Every node's ledger; the first is the one that all write to while it is there."""
        return [node.url("grades") for node in self.stores.galera.nodes]

    @property
    def redis_url(self) -> str:
        """The Redis that the Sentinels name."""
        return self.stores.guarded.used.url

    def amiss(self) -> list[str]:
        """Say of every service and every node what it lacks."""
        states = [node.state() for node in self.stores.galera.nodes]
        return super().amiss() + [
            f"node {number}: {state or 'away'}, one of {size or 'none'}"
            for number, (state, size) in enumerate(states, 1)
            if (state, size) != ("Synced", str(NODES))
        ]


@contextmanager
def stores_of() -> Iterator[Stores]:
    """Start a cluster's stores; nothing of them is left, however this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="meshsplit-cluster-"))
    folder.chmod(0o711)  # a lesser user's files are below
    cleaner = subprocess.Popen(  # noqa: S603  # of our own making
        [sys.executable, "-c", CLEAN_UP, str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield Stores(Galera(folder / "galera"), Guarded(folder / "guarded"))
    finally:
        cleaner.communicate(timeout=CLEANER_LIMIT_S)


async def linked_cluster(run: Run, stores: Stores, dice: random.Random) -> Cluster:
    """Put a run's services on a cluster's stores by settings alone, and start its links."""
    urls = {
        "MESHSPLIT_MYSQL_URL": stores.galera.url,
        "MESHSPLIT_REDIS_URL": stores.guarded.url,
    }
    services = tuple(
        replace(s, environment={**s.environment, **urls}) if s.ours else s
        for s in run.services
        if s.name not in REPLACED
    )
    ports = {**run.settings.ports, "mariadb": stores.galera.nodes[0].port}
    values = {**run.values, "mysql_url": stores.galera.nodes[0].url("grades")}
    settings = replace(run.settings, ports=ports)
    moved = replace(run, services=services, settings=settings, values=values)
    system = await linked(moved, None, dice, TO_FIRST_NODE)
    return Cluster(system.run, system.links, None, stores)
