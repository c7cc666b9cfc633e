"""What the audit's links do to whatever passes over them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from audit.clients import Scene
from audit.faults.connections import COMMIT, connection_faults
from audit.faults.fault import Stage
from audit.links import Link
from audit.posting import Door
from audit.servers.program import free_port
from audit.stack import TO_SPANS

if TYPE_CHECKING:
    from audit.stack import System


def query(statements: bytes) -> bytes:
    """As MySQL's protocol has a client say it."""
    return (len(statements) + 1).to_bytes(3, "little") + b"\x00\x03" + statements


COMMITTED = query(b"COMMIT")
SETTINGS = query(b"SET SESSION autocommit = 0;COMMIT")


@asynccontextmanager
async def echo_behind_a_link(
    name: str = "here to there", *, silent: bool = False, seed: int = 3
) -> AsyncIterator[tuple[Link, int, list[bytes]]]:
    """A server that says what it hears, a link to it, its port, and all that the server heard."""
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(1000):
            heard.append(said)
            if not silent:
                writer.write(said)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link(name, server.sockets[0].getsockname()[1], random.Random(seed))
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
        with link.losing_answers_to(COMMIT.__eq__):
            assert await say(port, SETTINGS) == SETTINGS
            answers = [await say(port, COMMITTED, 0.05) for _ in range(times)]
        assert {*answers} == {COMMITTED, b"", None}
        passed = answers.count(COMMITTED)
        never_arrived = times - heard.count(COMMITTED)
        assert never_arrived > 0
        assert link.lost == times - passed - never_arrived > 0
        assert await say(port, COMMITTED) == COMMITTED


async def test_the_first_answer_is_lost_whatever_the_dice_say_of_the_others() -> None:
    for seed in range(8):
        async with echo_behind_a_link(seed=seed) as (link, port, heard):
            with link.losing_answers_to(COMMIT.__eq__):
                assert await say(port, COMMITTED) == b""
            assert (heard, link.lost) == ([COMMITTED], 1)


@pytest.fixture
def unanswered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Link, int, bytes], Awaitable[Any]]:
    """What the fault says after something was said meanwhile."""
    monkeypatch.setattr("audit.faults.connections.LOSE_S", 0.3)

    async def fault_with(link: Link, port: int, words: bytes) -> str | None:
        system = cast("System", SimpleNamespace(links=[link]))
        (fault,) = (f for f in connection_faults(system) if f.name.startswith("COMMIT unanswered"))
        scene = Scene(random.Random(1), [])
        stage = Stage(system, scene, random.Random(1))
        complaint, _ = await asyncio.gather(fault.run(stage), say(port, words, 0.2))
        return complaint

    return fault_with


async def test_a_commit_whose_answer_was_lost_is_what_the_fault_wants(
    unanswered: Callable[[Link, int, bytes], Awaitable[Any]],
) -> None:
    async with echo_behind_a_link("ingest to mariadb") as (link, port, heard):
        assert await unanswered(link, port, COMMITTED) is None
        assert heard == [COMMITTED]


async def test_the_commit_of_a_new_session_s_settings_is_not_one_whose_answer_can_be_lost(
    unanswered: Callable[[Link, int, bytes], Awaitable[Any]],
) -> None:
    async with echo_behind_a_link("ingest to mariadb") as (link, port, _):
        assert await unanswered(link, port, SETTINGS) == "no answer was lost"


async def test_a_commit_that_nobody_answered_is_no_answer_that_was_lost(
    unanswered: Callable[[Link, int, bytes], Awaitable[Any]],
) -> None:
    async with echo_behind_a_link("ingest to mariadb", silent=True) as (link, port, heard):
        assert await unanswered(link, port, COMMITTED) == "no answer was lost"
        assert heard == [COMMITTED]


async def test_a_request_is_traced_while_the_way_of_the_spans_is_delayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("audit.faults.connections.DELAY_FOR_S", 0.3)
    async with echo_behind_a_link(TO_SPANS) as (link, port, heard):

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = await reader.readuntil(b"\r\n\r\n")
            if b"x-client-trace-id" in asked:
                await say(port, b"spans", 2)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        gateway = await asyncio.start_server(answer, "127.0.0.1", 0)
        system = cast("System", SimpleNamespace(links=[link]))
        (fault,) = (f for f in connection_faults(system) if f.name.startswith("delayed"))
        scene = Scene(random.Random(1), [Door("gateway", gateway.sockets[0].getsockname()[1])])
        assert await fault.run(Stage(system, scene, random.Random(1))) is None
        assert (fault.harmless, heard) == (True, [b"spans"])
        gateway.close()
