"""What the mesh and the clients do to the services: weights, mirrors, bursts, departures."""

import asyncio
import json

import httpx

from audit.clients import Scene
from audit.faults.fault import Fault, Stage, Wrong
from audit.history import Outcome
from audit.posting import Door, post
from audit.stack import System
from audit.wire import Connection
from meshsplit.split.applied import Proxy
from meshsplit.split.changing import follow
from meshsplit.split.weights import asked_split, find_split, read_split, with_weights, write_split

WEIGHTS_S, MIRROR_S, LEAVE_S = 3.0, 4.0, 4.0
BURST = 300
APPLIED_WITHIN_S = 5.0
LEAVING = 0.5


def traffic_faults(system: System) -> list[Fault]:
    """Return what needs no broken part."""
    del system
    return [
        Fault("weights changed", _weights),
        Fault("mirroring on", _mirror),
        Fault("queues full", _burst),
        Fault("clients leave mid-request", _leave),
    ]


async def _weights(stage: Stage) -> str | None:
    """Give everything to one arm, as `meshsplit split set` does, and put it back."""
    path = find_split(stage.system.mesh)
    before = path.read_text()
    arms = [arm.name for arm in read_split(path).arms]
    winner = stage.dice.choice(arms)
    weights = {name: 100 * (name == winner) for name in arms}
    try:
        write_split(path, with_weights(before, weights, str(path)))
        await _applied(stage.system)
        await asyncio.sleep(WEIGHTS_S)
    finally:
        write_split(path, before)
    await _applied(stage.system)
    return None


async def _applied(system: System) -> None:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        proxy = Proxy(client, system.url("envoy_admin"))
        outcome = await follow(proxy, asked_split(system.mesh), 0, APPLIED_WITHIN_S)
    if not outcome.applied:
        raise Wrong(f"not applied within {APPLIED_WITHIN_S:.0f} s")


async def _mirror(stage: Stage) -> str | None:
    kustomization = stage.system.mesh / "kustomization.yaml"
    before = kustomization.read_text()
    copies = await _copies(stage.system)
    head = before.partition("\ncomponents:")[0]
    kustomization.write_text(f"{head}\ncomponents:\n  - components/mirror\n")
    try:
        await asyncio.sleep(MIRROR_S)
        accepted = json.loads((stage.system.state / "envoy" / "status.json").read_text())["ok"]
        made = await _copies(stage.system) - copies
    finally:
        kustomization.write_text(before)
    if not accepted:
        raise Wrong("the agent refused it")
    return None if made > 0 else "the shadow got no copy"


async def _copies(system: System) -> int:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        text = (await client.get(f"{system.url('shadow')}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("meshsplit_requests_total{")]
    return sum(int(float(line.split()[-1])) for line in lines)


async def _burst(stage: Stage) -> str | None:
    """Send far more at once than the queues hold, while the writers wait for the ledger."""
    scene = stage.scene
    before = _counted(scene, "queue full")
    holes = [link for link in stage.system.links if link.name.endswith("to mariadb")]
    for link in holes:
        link.open.clear()
    try:
        bursts = [
            asyncio.create_task(_one(scene, door)) for door in scene.doors for _ in range(BURST)
        ]
        await asyncio.sleep(1.0)
    finally:
        for link in holes:
            link.open.set()
    stage.heals()
    await asyncio.gather(*bursts)
    return None if _counted(scene, "queue full") > before else "no queue was full"


async def _one(scene: Scene, door: Door) -> None:
    entry = scene.history.begin(scene.records.roll(), scene.key())
    async with Connection(door.port) as connection:
        await post(scene.history, entry, connection, door, during=scene.during, limit_s=20)


def _counted(scene: Scene, words: str) -> int:
    return sum(
        words in attempt.detail
        for entry in scene.history.entries
        for attempt in entry.of(Outcome.REFUSED)
    )


async def _leave(stage: Stage) -> str | None:
    stage.scene.leaving = LEAVING
    try:
        await asyncio.sleep(LEAVE_S)
    finally:
        stage.scene.leaving = 0.0
    return None
