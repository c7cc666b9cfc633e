"""A ledger on three nodes, a Redis with a spare: one of them dies, stops, or is cut off."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace

import pymysql

from audit.cluster import Cluster
from audit.faults.connections import connection_faults
from audit.faults.fault import Fault, Stage, Wrong
from audit.ledger import connect
from audit.recovery import stores_again
from audit.servers.galera import Node
from audit.servers.program import Program

GO_ON_WITHIN_S = 15.0
"""Writes go on so soon without a node; most of it is Galera's own time to give it up."""
BACK_WITHIN_S = 40.0
"""A node that was away reads its log and what it missed."""
AWAY_S, MEET_S = 5.0, 4.0
"""Longer than a node that is silent is waited for by the others; and how long two writers meet."""


def cluster_faults(system: Cluster) -> list[Fault]:
    """Return what happens to each node and each Redis, and to the connections to the first node."""
    faults = []
    for number, node in enumerate(system.stores.galera.nodes, 1):
        faults += [
            Fault(f"kill -9 node {number}", _away(node.program.kill, node.join), BACK_WITHIN_S),
            Fault(
                f"SIGSTOP node {number}",
                _away(node.program.pause, node.program.resume),
                BACK_WITHIN_S,
            ),
            Fault(f"node {number} cut off", _away(node.cut_off, node.let_in), BACK_WITHIN_S),
            Fault(f"node {number} restarted", _restart(node), BACK_WITHIN_S),
        ]
    return [
        *faults,
        Fault("kill -9 every node", _power_cut, BACK_WITHIN_S),
        Fault("kill -9 Redis in use", _redis(Program.kill, Program.start), BACK_WITHIN_S),
        Fault("SIGSTOP Redis in use", _redis(Program.pause, Program.resume), BACK_WITHIN_S),
        Fault("writers on two nodes", _on_first(_two_writers, "ingest", "recorder")),
        *(_of_link(f) for f in connection_faults(system) if f.name.endswith("to mariadb")),
    ]


def _of_link(fault: Fault) -> Fault:
    """Let something happen to a service's link to the first node while it is on that one."""
    service = fault.name.rpartition(": ")[2].partition(" ")[0]
    name = fault.name.replace("mariadb", "node 1")
    return replace(fault, name=name, run=_on_first(fault.run, service))


def _on_first(
    then: Callable[[Stage], Awaitable[str | None]], *services: str
) -> Callable[[Stage], Awaitable[str | None]]:
    """Start services anew before: each stays with the node that it has, and begins on the first."""

    async def run(stage: Stage) -> str | None:
        for service in services:
            await asyncio.to_thread(stage.system.stop, service)
            await asyncio.to_thread(stage.system.start, service)
        return await then(stage)

    return run


def _away(
    take: Callable[[], None], give_back: Callable[[], None]
) -> Callable[[Stage], Awaitable[str | None]]:
    """Take a node away, see that writes go on without it, and give it back."""

    async def run(stage: Stage) -> str | None:
        began = time.monotonic()
        await asyncio.to_thread(take)
        try:
            late = await stores_again(stage.system, stage.scene, GO_ON_WITHIN_S)
            stage.went_on_s = time.monotonic() - began
            await asyncio.sleep(max(AWAY_S - stage.went_on_s, 0))
            late = late or await stores_again(stage.system, stage.scene, GO_ON_WITHIN_S)
        finally:
            stage.heals()
            await asyncio.to_thread(give_back)
        if late:
            raise Wrong(f"no writes within {GO_ON_WITHIN_S:.0f} s: {late}")
        return None

    return run


def _restart(node: Node) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(stage: Stage) -> str | None:
        await asyncio.to_thread(node.program.stop)
        stage.heals()
        await asyncio.to_thread(node.join)
        return None

    return run


async def _power_cut(stage: Stage) -> str | None:
    """Kill all nodes at once; they find each other again by what each noted of the others."""
    nodes = _cluster(stage).stores.galera.nodes
    for node in nodes:
        node.program.kill()
    stage.heals()
    async with asyncio.TaskGroup() as group:
        for node in nodes:
            group.create_task(asyncio.to_thread(node.join))
    return None


def _redis(
    take: Callable[[Program], None], give_back: Callable[[Program], None]
) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(stage: Stage) -> str | None:
        guarded = _cluster(stage).stores.guarded
        used, spare = guarded.used, guarded.spare
        await asyncio.to_thread(take, used.program)
        try:
            await asyncio.to_thread(guarded.wait_until_used, spare)
        finally:
            stage.heals()
            await asyncio.to_thread(give_back, used.program)
        return None

    return run


async def _two_writers(stage: Stage) -> str | None:
    """Write on another node what the writers' transactions write, and change nothing by it."""
    cluster = _cluster(stage)

    def meet() -> None:
        until = time.monotonic() + MEET_S
        with closing(connect(cluster.mysql_urls[-1])) as connection, connection.cursor() as cursor:
            while time.monotonic() < until:
                try:
                    cursor.execute("UPDATE record_totals SET records = records + 1")
                    cursor.execute("UPDATE record_totals SET records = records - 1")
                    connection.commit()
                except pymysql.OperationalError:
                    connection.rollback()  # this one lost

    before = _lost(cluster)
    await asyncio.to_thread(meet)
    return None if _lost(cluster) > before else "no writer's transaction lost"


def _lost(cluster: Cluster) -> int:
    """Count the writers' transactions that lost against another node's so far.

    A node counts its own clients' only, and the last one's is the audit.
    """
    names = "'wsrep_local_cert_failures', 'wsrep_local_bf_aborts'"
    return sum(
        int(value)
        for node in cluster.stores.galera.nodes[:-1]
        for _, value in node.query(f"SHOW STATUS WHERE Variable_name IN ({names})")
    )


def _cluster(stage: Stage) -> Cluster:
    if not isinstance(stage.system, Cluster):
        raise TypeError("this happens to a cluster only")
    return stage.system
