"""The live WebSocket takes garbage, floods, the deaf and the restless, and serves the others."""

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.fuzz.seeds import shared_out
from tests.fuzz.test_records import GROWTH_MAX
from tests.reporter_process import ReporterProcess, reporter_process

VISITS = int(os.environ.get("MESHSPLIT_FUZZ_VISITS", "10000"))
FRAMES = 3_000
AT_ONCE = 50
HANDSHAKE: Final = (
    b"GET /api/v1/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
NONSENSE: Final = (
    "", "null", "[]", "{}", '{"type":"select"}', '{"type":"select","course":1}', "[" * 60_000,
    '{"type":"select","course":"a","year":1e400,"semester":"b"}', b"\xff" * 100,
    '{"type":"select","course":"' + "x" * 60_000 + '"}',
    '{"type":"select","course":"a","year":2002,"semester":"b","more":1}', "x" * 65_536,
)  # fmt: skip


@pytest.fixture
def reporter(mysql_url: str, redis_url: str) -> Iterator[ReporterProcess]:
    with reporter_process(mysql_url, redis_url, MESHSPLIT_LIVE_HEARTBEAT_S="1") as running:
        yield running


def footprint(reporter: ReporterProcess) -> tuple[int, int]:
    process = psutil.Process(reporter.process.pid)
    return process.memory_info().rss, process.num_fds()


def traces_in(reporter: ReporterProcess) -> list[str]:
    return [line for line in reporter.log.read_text().splitlines() if "Traceback" in line]


async def settles(reporter: ReporterProcess, files: int) -> bool:
    """Whether the reporter's open files come back to what they were."""
    until = time.monotonic() + 30
    while footprint(reporter)[1] > files + 2:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.1)
    return True


async def greeted(client: ClientConnection) -> bool:
    async with asyncio.timeout(10):
        return bool(json.loads(await client.recv())["type"] == "snapshot")


async def visit(reporter: ReporterProcess, dice: random.Random) -> None:
    """Connect and drop, at any moment of a visit; all of it is drawn before another's turn."""
    sent = HANDSHAKE[: dice.choice((0, 10, len(HANDSHAKE), len(HANDSHAKE)))]
    reads = dice.random() < 0.5
    frames = dice.randbytes(dice.randint(1, 200)) if dice.random() < 0.3 else b""  # that are none
    reader, writer = await asyncio.open_connection("127.0.0.1", reporter.port)
    try:
        writer.write(sent)
        if reads:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.read(2000)
        writer.write(frames)
    finally:
        writer.transport.abort()


async def test_ten_thousand_connect_and_drop_and_nothing_is_left_of_them(
    reporter: ReporterProcess,
) -> None:
    *kept, (own, number) = shared_out(VISITS, kept=20 * AT_ONCE)

    async def visits(dice: random.Random, number: int) -> None:
        for _ in range(number):
            with suppress(ConnectionError):
                await visit(reporter, dice)

    files = footprint(reporter)[1]
    for dice, first in kept:
        await asyncio.gather(*(visits(dice, first // AT_ONCE) for _ in range(AT_ONCE)))
    assert await settles(reporter, files)
    memory = footprint(reporter)[0]
    async with connect(reporter.live) as witness:
        assert await greeted(witness)
        visiting = asyncio.gather(*(visits(own, number // AT_ONCE) for _ in range(AT_ONCE)))
        while not visiting.done():
            async with asyncio.timeout(10):
                assert json.loads(await witness.recv())["type"] == "update"
        await visiting
    assert await settles(reporter, files)
    assert footprint(reporter)[0] - memory < GROWTH_MAX
    assert traces_in(reporter) == []


async def test_garbage_is_answered_or_ends_the_connection_and_the_next_is_greeted(
    reporter: ReporterProcess,
) -> None:
    *kept, (own, number) = shared_out(FRAMES, kept=30)

    async def talk(dice: random.Random, frames: int) -> None:
        async with connect(reporter.live) as client:
            assert await greeted(client)
            for _ in range(frames):
                await client.send(dice.choice(NONSENSE))
                async with asyncio.timeout(10):
                    while json.loads(await client.recv())["type"] != "error":
                        pass

    for dice, first in kept:
        await asyncio.gather(*(talk(dice, first // 10) for _ in range(10)))
    memory = footprint(reporter)[0]
    await asyncio.gather(*(talk(own, number // 30) for _ in range(30)))
    async with connect(reporter.live) as client:
        assert await greeted(client)
    assert footprint(reporter)[0] - memory < GROWTH_MAX
    assert traces_in(reporter) == []


async def test_clients_that_never_read_cost_little_and_are_dropped(
    reporter: ReporterProcess,
) -> None:
    files, deaf = footprint(reporter)[1], []
    for _ in range(AT_ONCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", reporter.port, limit=1)
        writer.write(HANDSHAKE)
        await writer.drain()
        deaf.append((reader, writer))
    memory = footprint(reporter)[0]

    async def flood(writer: asyncio.StreamWriter) -> None:
        frame = b'\x81\x84\x00\x00\x00\x00{"a"'  # masked with zeros: nonsense, to be answered
        for _ in range(200):
            writer.write(frame * 100)
            try:
                async with asyncio.timeout(0.05):
                    await writer.drain()
            except (TimeoutError, ConnectionError):
                return

    await asyncio.gather(*(flood(writer) for _, writer in deaf))
    async with connect(reporter.live) as client:
        assert await greeted(client)
    assert footprint(reporter)[0] - memory < GROWTH_MAX
    assert await settles(reporter, files)  # while their own ends are open still
    for _, writer in deaf:
        writer.transport.abort()
