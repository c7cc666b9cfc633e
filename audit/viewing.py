"""A viewer who asks for figures all along, and holds each against what was acknowledged before."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from audit.checks import Finding
from audit.clients import Scene
from audit.ledger import Course
from audit.posting import FROM_A_PROXY
from audit.recovery import CHARTS, TOTALS, Refusal, get, live_url
from audit.wire import Connection, NoAnswer, NotSent

PAUSE_S = 0.2
LIMIT_S = 20.0


class Viewer:
    """Asks the reporter for figures through the gateway, and has the live view open."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.findings: list[Finding] = []
        self.answers = 0
        self.messages = 0

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look until the end of the block."""
        tasks = [asyncio.create_task(look()) for look in (self._look_on, self._watch)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)

    async def _look_on(self) -> None:
        async with Connection(self._scene.gateway.port) as connection:
            while True:
                with contextlib.suppress(NotSent, NoAnswer):  # a fault's doing; recovery is held
                    await self._look(connection)
                await asyncio.sleep(PAUSE_S)

    async def _watch(self) -> None:
        """Have the live view open, as a page has."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):  # as above
                try:
                    await self._listen()
                except InvalidStatus as refusal:
                    if refusal.response.status_code not in FROM_A_PROXY:
                        self.findings.append(Finding("wrong chart", f"live: {refusal}"))
            await asyncio.sleep(PAUSE_S)

    async def _listen(self) -> None:
        async with connect(live_url(self._scene.gateway), open_timeout=LIMIT_S) as socket:
            async for text in socket:
                self.messages += json.loads(text)["type"] == "update"

    async def _look(self, connection: Connection) -> None:
        known = self._scene.history.stored
        for path in CHARTS:
            try:
                told = await get(connection, path, LIMIT_S)
            except Refusal as refusal:
                if not refusal.allowed:
                    self.findings.append(Finding("wrong chart", str(refusal)))
                continue
            if path == TOTALS:
                self.answers += 1
                if told["total"] < known:
                    words = f"{path} says {told['total']} after {known} were acknowledged"
                    self.findings.append(Finding("wrong chart", words))


async def read_charts(scene: Scene, paths: list[str]) -> dict[str, Any]:
    """Ask for charts by their paths; one that isn't answered is what was said instead."""
    answers: dict[str, Any] = {}
    async with Connection(scene.gateway.port) as connection:
        for path in paths:
            try:
                answers[path] = await get(connection, path, LIMIT_S)
            except (NotSent, NoAnswer, Refusal) as error:
                answers[path] = f"{type(error).__name__} {error}"
    return answers


async def check_live_view(
    scene: Scene, total: int, students: dict[Course, int], limit_s: float
) -> list[Finding]:
    """Hold what the live WebSocket tells, once it calls itself exact, against a recount."""
    findings = []
    try:
        async with asyncio.timeout(limit_s), connect(live_url(scene.gateway)) as socket:
            for (year, semester, course), count in students.items():
                chosen = {"course": course, "year": year, "semester": semester}
                await socket.send(json.dumps({"type": "select", **chosen}))
                told = json.loads(await socket.recv())
                while told["behind"] or not chosen.items() <= (told["selection"] or {}).items():
                    told = json.loads(await socket.recv())
                if told["total"] != total or told["selection"]["students"] != count:
                    findings.append(
                        Finding("wrong chart", f"live: {told}, expected {total}, {count}")
                    )
    except (OSError, TimeoutError, WebSocketException) as error:
        findings.append(Finding("wrong chart", f"live: {type(error).__name__} {error}"))
    return findings
