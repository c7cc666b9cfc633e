"""A live client that does not read, and everyone else beside it."""

import asyncio
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Message
from starlette.websockets import WebSocket

from services.core.live.reader import LiveReader, LiveState
from services.core.live.selection import Selection
from services.core.storage.connections import MySQL
from services.reporter.live import session
from services.reporter.live.hub import Full, Hub
from services.reporter.live.session import serve

S30 = Selection(course="S30", year=2002, semester="slider")


class CountingReader(LiveReader):
    """A reader whose total is the number of looks at it, and that can fail."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:9/0", MySQL("mysql://nobody@127.0.0.1:9/none"))
        self.looks: list[set[Selection]] = []
        self.fails = False

    async def read(self, selections: set[Selection]) -> LiveState:
        self.looks.append(selections)
        if self.fails:
            raise ConnectionError("the test says so")
        return LiveState(len(self.looks), dict.fromkeys(selections, 7), 0.0)


class Line:
    """Both ends of an accepted WebSocket, without a network; deaf: what is sent never arrives."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self.deaf = deaf
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.socket = WebSocket({"type": "websocket"}, self.incoming.get, self._send)

    async def _send(self, message: Message) -> None:
        if self.deaf and message["type"] != "websocket.accept":
            await asyncio.Event().wait()
        self.outgoing.put_nowait(message)

    async def heard(self) -> Any:
        message = await asyncio.wait_for(self.outgoing.get(), 3)
        return json.loads(message["text"]) if "text" in message else message


@pytest.fixture
def reader() -> CountingReader:
    return CountingReader()


def make_hub(reader: LiveReader, limit: int = 10) -> Hub:
    return Hub(reader, max_clients=limit, heartbeat_s=5, registry=CollectorRegistry())


async def watch(hub: Hub, line: Line) -> None:
    with hub.watching() as client:
        await line.socket.accept()
        await serve(line.socket, client)


async def test_a_client_that_never_reads_is_dropped_and_blocks_nobody(
    reader: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SEND_TIMEOUT_S", 0.5)
    hub = make_hub(reader)
    deaf, well = Line(deaf=True), Line()
    tasks = [asyncio.create_task(watch(hub, line)) for line in (deaf, well)]

    await asyncio.wait_for(tasks[0], 3)
    await well.heard()
    totals = [(await well.heard())["total"] for _ in range(3)]

    assert totals == sorted(set(totals))
    await hub.stop()
    await tasks[1]


async def test_all_clients_share_one_look_and_nobody_means_none(reader: CountingReader) -> None:
    hub = make_hub(reader)
    lines = [Line() for _ in range(10)]
    tasks = [asyncio.create_task(watch(hub, line)) for line in lines]
    for line in lines:
        await line.heard()
        await line.heard()

    assert len(reader.looks) < len(lines)
    for line in lines:
        line.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await asyncio.gather(*tasks)
    await asyncio.sleep(0.3)
    looks = len(reader.looks)
    await asyncio.sleep(0.5)
    assert len(reader.looks) == looks


async def test_each_selection_is_looked_at_once_however_many_chose_it(
    reader: CountingReader,
) -> None:
    hub = make_hub(reader)
    lines = [Line() for _ in range(3)]
    tasks = [asyncio.create_task(watch(hub, line)) for line in lines]
    for line in lines:
        await line.heard()
        choice = {"type": "select", **S30._asdict()}
        line.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(choice)})
    for line in lines:
        while (await line.heard()).get("selection") is None:
            pass

    assert reader.looks[-1] == {S30}
    await hub.stop()
    await asyncio.gather(*tasks)


async def test_a_look_that_fails_is_followed_by_the_next(
    reader: CountingReader, caplog: pytest.LogCaptureFixture
) -> None:
    hub = make_hub(reader)
    reader.fails = True
    line = Line()
    task = asyncio.create_task(watch(hub, line))
    await asyncio.sleep(0.4)
    reader.fails = False

    await line.heard()
    assert (await line.heard())["type"] == "snapshot"
    assert "a look at the live figures failed" in caplog.text
    await hub.stop()
    await task


async def test_a_drain_ends_every_session_with_1012_and_lets_nobody_in(
    reader: CountingReader,
) -> None:
    hub = make_hub(reader)
    line = Line()
    task = asyncio.create_task(watch(hub, line))
    await line.heard()
    await hub.stop()
    await asyncio.wait_for(task, 3)

    messages = [line.outgoing.get_nowait() for _ in range(line.outgoing.qsize())]
    assert messages[-1]["code"] == 1012
    with pytest.raises(Full), hub.watching():
        pass


async def test_a_full_hub_lets_nobody_in_until_somebody_leaves(reader: CountingReader) -> None:
    hub = make_hub(reader, limit=1)
    with hub.watching(), pytest.raises(Full), hub.watching():
        pass
    with hub.watching():
        pass
    await hub.stop()
