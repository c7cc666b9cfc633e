"""What the audit's links do to whatever passes over them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from audit.links import Link
from audit.servers.program import free_port

COMMIT = b"COMMIT"
ASKED = b"INSERT; COMMIT; SELECT"


@asynccontextmanager
async def echo_behind_a_link() -> AsyncIterator[tuple[Link, int, list[bytes]]]:
    """A server that says what it hears, a link to it, its port, and all that the server heard."""
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(1000):
            heard.append(said)
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link("here to there", server.sockets[0].getsockname()[1], random.Random(3))
    port = free_port()
    await link.start(port)
    try:
        yield link, port, heard
    finally:
        await link.stop()
        server.close()


async def say(port: int, words: bytes, limit_s: float = 0.3) -> bytes | None:
    """What comes back; b"" is the end, None is silence."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(words)
        async with asyncio.timeout(limit_s):
            return await reader.read(1000)
    except TimeoutError:
        return None
    except OSError:
        return b""
    finally:
        writer.transport.abort()


async def test_a_link_passes_on_what_is_said() -> None:
    async with echo_behind_a_link() as (_, port, heard):
        assert await say(port, b"hello") == b"hello"
        assert heard == [b"hello"]


async def test_a_cut_ends_old_connections_and_new_ones_until_it_is_over() -> None:
    async with echo_behind_a_link() as (link, port, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"old")
        assert await reader.read(10) == b"old"
        with link.cut():
            assert await reader.read(10) == b""
            assert await say(port, b"new") == b""
        assert heard == [b"old"]
        assert await say(port, b"after") == b"after"
        writer.close()


async def test_a_delay_holds_up_each_way() -> None:
    async with echo_behind_a_link() as (link, port, _):
        with link.delayed(0.1):
            began = time.monotonic()
            assert await say(port, b"late", 2) == b"late"
            assert time.monotonic() - began >= 0.2


async def test_a_black_hole_tells_nobody_and_delivers_when_it_is_over() -> None:
    async with echo_behind_a_link() as (link, port, heard):
        with link.black_hole():
            assert await say(port, b"stuck") is None
            assert heard == []
        async with asyncio.timeout(2):
            while heard != [b"stuck"]:  # noqa: ASYNC110  # what the server heard sets no event
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("times", [60])
async def test_answers_are_lost_in_every_way_and_only_those_asked_for(times: int) -> None:
    async with echo_behind_a_link() as (link, port, heard):
        with link.losing_answers_to(COMMIT):
            assert await say(port, b"SELECT 1") == b"SELECT 1"
            answers = [await say(port, ASKED, 0.05) for _ in range(times)]
        assert {*answers} == {ASKED, b"", None}
        passed = answers.count(ASKED)
        assert link.lost == times - passed
        never_arrived = times - heard.count(ASKED)
        assert 0 < never_arrived < link.lost, (
            "some were lost on the way there, some on the way back"
        )
        assert await say(port, ASKED) == ASKED
