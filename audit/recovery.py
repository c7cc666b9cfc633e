"""Is the system well again: every door, every arm behind the gateway, charts and live view."""

import asyncio
import json
import time
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from audit.clients import Scene
from audit.history import Outcome
from audit.posting import FROM_A_PROXY, Door, post
from audit.stack import System
from audit.wire import Answer, Connection, NoAnswer, NotSent
from meshsplit.split.weights import asked_split

PROBE_S = 2.0
PAUSE_S = 0.1
NEARLY_EXACT_S = 1.0
"""The live view is well when it is this little behind: while records come it is rarely at 0."""
OK = 200
TOTALS = "records/count"
CHARTS = (TOTALS, "students/top?limit=5", "semesters")
"""A chart of each kind that is there before any record is; what a viewer asks for, too."""


class Refusal(Exception):  # noqa: N818  # an answer, as its siblings are none
    """The reporter, or a proxy for it, answered with no figures."""

    def __init__(self, path: str, answer: Answer) -> None:
        super().__init__(f"{path}: {answer.status} {answer.body[:200]!r}")
        self.allowed = answer.status in FROM_A_PROXY
        """Whether a store or the reporter may be away: all else nobody should ever get."""


async def recovered(system: System, scene: Scene, limit_s: float) -> str | None:
    """Wait until all is well; say what isn't when the time is over, in seconds."""
    until = time.monotonic() + limit_s
    waits = {
        "the processes": _processes(system),
        "the gateway to every arm": _gateway(system, scene),
        "the charts": charts_answer(scene.gateway),
        "the live view": _live(scene.gateway),
        **{f"{door.name}'s own door": _door(scene, door) for door in scene.doors[1:]},
    }
    tasks = {name: asyncio.create_task(wait, name=name) for name, wait in waits.items()}
    _, late = await asyncio.wait(tasks.values(), timeout=until - time.monotonic())
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    for task in set(tasks.values()) - late:
        task.result()
    lacking = await asyncio.to_thread(system.amiss) if late else []
    return ", ".join([*sorted(task.get_name() for task in late), *lacking]) or None


async def stores_again(system: System, scene: Scene, limit_s: float) -> str | None:
    """Wait until every arm stores, whatever else isn't well; say which doesn't in that time."""
    waits = [asyncio.create_task(_door(scene, door), name=door.name) for door in scene.doors[1:]]
    waits.append(asyncio.create_task(_gateway(system, scene), name="the gateway to every arm"))
    _, late = await asyncio.wait(waits, timeout=limit_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    for task in set(waits) - late:
        task.result()
    return ", ".join(sorted(task.get_name() for task in late)) or None


async def get(connection: Connection, path: str, limit_s: float = PROBE_S) -> Any:
    """Ask the reporter, through the gateway; raises NotSent, NoAnswer, Refusal."""
    answer = await connection.ask("GET", f"/api/v1/{path}", limit_s=limit_s)
    if answer.status != OK:
        raise Refusal(path, answer)
    return json.loads(answer.body)


async def _processes(system: System) -> None:
    while await asyncio.to_thread(system.amiss):  # noqa: ASYNC110  # processes set no event
        await asyncio.sleep(PAUSE_S)


async def _gateway(system: System, scene: Scene) -> None:
    arms = asked_split(system.mesh).arms
    missing = {arm.name for arm in arms if arm.weight}
    async with Connection(scene.gateway.port) as connection:
        while missing:
            missing.discard(await _probe(scene, connection, scene.gateway))


async def _door(scene: Scene, door: Door) -> None:
    async with Connection(door.port) as connection:
        while await _probe(scene, connection, door) is None:
            pass


async def _probe(scene: Scene, connection: Connection, door: Door) -> str | None:
    """Post a record as any client does; return the arm that stored it."""
    entry = scene.history.begin(scene.records.roll(), scene.key())
    made = await post(scene.history, entry, connection, door, during=scene.during, limit_s=PROBE_S)
    if made.outcome is not Outcome.ACKNOWLEDGED:
        await asyncio.sleep(PAUSE_S)
    return made.arm


async def charts_answer(gateway: Door) -> None:
    """Wait until a chart of each kind has answered."""
    lacking = [*CHARTS]
    async with Connection(gateway.port) as connection:
        while lacking:
            try:
                await get(connection, lacking[0])
            except (NotSent, NoAnswer, Refusal):
                await asyncio.sleep(PAUSE_S)
            else:
                del lacking[0]


async def _live(gateway: Door) -> None:
    while True:
        try:
            async with asyncio.timeout(PROBE_S), connect(live_url(gateway)) as socket:
                async for message in socket:
                    if json.loads(message)["behind"] < NEARLY_EXACT_S:
                        return
        except (OSError, TimeoutError, WebSocketException):
            await asyncio.sleep(PAUSE_S)


def live_url(gateway: Door) -> str:
    """Return where the live view's WebSocket is."""
    return f"ws://127.0.0.1:{gateway.port}/api/v1/live"
