"""A reporter that refuses its figures: the audit's viewer tells what is allowed from what isn't."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from audit.clients import Scene
from audit.posting import Door
from audit.recovery import charts_answer
from audit.viewing import Viewer, read_charts

FIGURES = {"records/count": {"total": 0, "arms": {}}}


@asynccontextmanager
async def reporter(**statuses: int) -> AsyncIterator[Scene]:
    """Answer every chart, or with a status whatever has a word in its path."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split()[1].decode().removeprefix("/api/v1/")
            status = next((code for word, code in statuses.items() if word in path), 200)
            body = json.dumps(FIGURES.get(path, [])).encode()
            size = f"content-length: {len(body)}\r\n"
            writer.write(f"HTTP/1.1 {status} So\r\n{size}\r\n".encode() + body)

    serving: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving[writer] = asyncio.create_task(answer(reader, writer))
        with suppress(asyncio.IncompleteReadError, OSError):
            await serving[writer]
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Scene(random.Random(1), [Door("gateway", server.sockets[0].getsockname()[1])])
    finally:
        server.close()
        for writer in serving:  # else one is left to a loop that is closed
            writer.transport.abort()
        await asyncio.gather(*serving.values(), return_exceptions=True)
        await asyncio.sleep(0)


async def kinds(scene: Scene) -> set[str]:
    viewer = Viewer(scene)
    async with viewer.looking(), asyncio.timeout(5):
        while not viewer.answers:  # noqa: ASYNC110  # what it was told sets no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    return {f.kind for f in viewer.findings if not f.detail.startswith("live")}


@pytest.mark.parametrize("status", [500, 404, 422, 204])
async def test_a_chart_that_answers_what_nobody_should_get_is_a_finding(status: int) -> None:
    async with reporter(students=status) as scene:
        assert await kinds(scene) == {"wrong chart"}


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_chart_whose_store_is_away_is_not_well_and_no_finding(status: int) -> None:
    async with reporter(students=status) as scene:
        assert await kinds(scene) == set()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(charts_answer(scene.gateway), 0.5)


async def test_charts_that_all_answer_are_well() -> None:
    async with reporter() as scene:
        assert await kinds(scene) == set()
        await asyncio.wait_for(charts_answer(scene.gateway), 2)


async def test_a_live_view_that_answers_what_nobody_should_get_is_a_finding() -> None:
    async with reporter(live=500) as scene:
        viewer = Viewer(scene)
        async with viewer.looking(), asyncio.timeout(5):
            while not viewer.findings:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)
    assert {(f.kind, f.detail.partition(":")[0]) for f in viewer.findings} == {
        ("wrong chart", "live")
    }


async def test_a_chart_that_is_refused_in_the_end_is_kept_as_what_was_said() -> None:
    async with reporter(semesters=503) as scene:
        told = await read_charts(scene, ["records/count", "semesters"])
    assert told["records/count"] == FIGURES["records/count"]
    assert "503" in told["semesters"]
