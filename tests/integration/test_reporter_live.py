"""The live WebSocket, spoken to as a browser would, and as nobody should."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from audit.servers.redis_server import RedisServer
from tests import plain_http
from tests.reporter_process import ReporterProcess, reporter_process

SELECT = {"type": "select", "course": "S30", "year": 2002, "semester": "slider"}


@pytest.fixture(scope="module")
def reporter(mysql_url: str, redis_url: str) -> Iterator[ReporterProcess]:
    with reporter_process(mysql_url, redis_url, MESHSPLIT_LIVE_HEARTBEAT_S="1") as running:
        yield running


async def heard(client: ClientConnection, within_s: float = 5.0) -> Any:
    return json.loads(await asyncio.wait_for(client.recv(), within_s))


async def close_code(client: ClientConnection) -> int | None:
    """Read to the end, and give the code it ended with."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            async for _ in client:
                pass
    return client.close_code


async def heard_until(client: ClientConnection, kind: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            message = await heard(client)
            if message["type"] == kind:
                return message


async def test_a_snapshot_comes_first_and_then_updates_in_silence_too(
    reporter: ReporterProcess,
) -> None:
    async with connect(reporter.live) as client:
        first, second = await heard(client), await heard(client)

    assert first["type"] == "snapshot"
    assert second["type"] == "update"
    assert first.keys() == second.keys() == {"type", "total", "selection", "behind"}
    assert first["selection"] is None


async def test_a_selection_is_answered_with_its_students(reporter: ReporterProcess) -> None:
    async with connect(reporter.live) as client:
        await heard(client)
        await client.send(json.dumps({**SELECT, "course": "taken by nobody"}))
        async with asyncio.timeout(5):
            while (message := await heard(client))["selection"] is None:
                pass

    assert message["type"] == "update"
    assert message["selection"] == {
        "course": "taken by nobody",
        "year": 2002,
        "semester": "slider",
        "students": 0,
    }


@pytest.mark.parametrize("nonsense", ["", "hello", "{}", '{"type":"sing"}', "[" * 60_000, b"{}"])
async def test_nonsense_is_answered_and_the_client_stays(
    reporter: ReporterProcess, nonsense: str | bytes
) -> None:
    async with connect(reporter.live) as client:
        await heard(client)
        await client.send(nonsense)
        error = await heard_until(client, "error")
        await client.send(json.dumps(SELECT))
        after = await heard_until(client, "update")

    assert error.keys() == {"type", "detail"}
    assert after["type"] == "update"


async def test_a_frame_of_64_kib_is_read_and_a_longer_one_closes_with_1009(
    reporter: ReporterProcess,
) -> None:
    async with connect(reporter.live) as client:
        await heard(client)
        await client.send("x" * 65_536)
        await heard_until(client, "error")
        await client.send("x" * 65_537)
        assert await close_code(client) == 1009


@pytest.mark.parametrize(("frames", "code"), [(b"{}" * 1000, 1008), (b"\xff\xff", 1007)])
async def test_a_flood_in_one_breath_and_text_that_is_none_are_closed_with_a_reason(
    reporter: ReporterProcess, frames: bytes, code: int
) -> None:
    async with connect(reporter.live) as client:
        await heard(client)
        masked = (
            b"\x81\x82\x00\x00\x00\x00" + frames[at : at + 2] for at in range(0, len(frames), 2)
        )
        client.transport.write(b"".join(masked))
        assert await close_code(client) == code


async def test_never_more_than_five_messages_a_second(reporter: ReporterProcess) -> None:
    async with connect(reporter.live) as client:
        await heard(client)
        arrivals = []
        for number in range(12):
            await client.send(json.dumps({**SELECT, "course": f"C{number}"}))
            await heard_until(client, "update")
            arrivals.append(time.monotonic())

    # One that this process reads late, and the next in time, are nearer than they were sent.
    windows = [sum(start <= each < start + 0.8 for each in arrivals) for start in arrivals]
    assert max(windows) <= 5
    assert arrivals[-1] - arrivals[0] >= (len(arrivals) - 1) / 5 - 0.2


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        (None, True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://evil.example", False),
        ("https://localhost:8080", False),
        ("http://localhost:8081", False),
        ("null", False),
    ],
)
async def test_only_pages_of_known_origins_are_let_in(
    reporter: ReporterProcess, origin: str | None, let_in: bool
) -> None:
    headers = {"Origin": origin} if origin else {}
    if let_in:
        async with connect(reporter.live, additional_headers=headers) as client:
            assert (await heard(client))["type"] == "snapshot"
        return
    with pytest.raises(InvalidStatus) as refused:
        async with connect(reporter.live, additional_headers=headers):
            pass
    answer = refused.value.response
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == json.loads(answer.body)["instance"]


async def test_compression_is_not_spoken(reporter: ReporterProcess) -> None:
    async with connect(reporter.live, compression="deflate") as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers


def test_a_plain_get_is_told_to_upgrade(reporter: ReporterProcess) -> None:
    answer = plain_http.get(f"{reporter.api}/live")

    assert answer.status_code == 426
    assert answer.json()["type"] == "upgrade-required"


async def test_one_client_too_many_is_asked_to_come_back(mysql_url: str, redis_url: str) -> None:
    with reporter_process(mysql_url, redis_url, MESHSPLIT_LIVE_CLIENTS_LIMIT="1") as reporter:
        async with connect(reporter.live) as first:
            await heard(first)
            with pytest.raises(InvalidStatus) as refused:
                async with connect(reporter.live):
                    pass
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["retry-after"]
        async with asyncio.timeout(5):
            while True:
                try:
                    async with connect(reporter.live) as next_one:
                        assert (await heard(next_one))["type"] == "snapshot"
                    break
                except InvalidStatus:
                    await asyncio.sleep(0.05)


async def test_a_flood_of_nonsense_neither_starves_others_nor_grows(
    reporter: ReporterProcess,
) -> None:
    async def flood(client: ClientConnection) -> None:
        while True:
            await client.send("nonsense")

    async with connect(reporter.live) as flooder, connect(reporter.live) as other:
        flooding = asyncio.create_task(flood(flooder))
        answers = [await heard(other) for _ in range(3)]
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        flooder.transport.abort()

    assert [each["type"] for each in answers] == ["snapshot", "update", "update"]


async def test_a_drain_closes_with_1012_although_one_client_never_reads(
    mysql_url: str, redis_url: str
) -> None:
    with reporter_process(mysql_url, redis_url) as reporter:
        with closing(socket.create_connection(("127.0.0.1", reporter.port))) as deaf:
            deaf.sendall(
                b"GET /api/v1/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            async with connect(reporter.live) as client:
                await heard(client)
                began = time.monotonic()
                status = await asyncio.to_thread(reporter.terminate)
                assert await close_code(client) == 1012
        assert status == 0
        assert time.monotonic() - began < 10


async def test_redis_away_leaves_the_figures_and_lets_behind_grow(
    mysql_url: str, redis_server: RedisServer
) -> None:
    with reporter_process(mysql_url, redis_server.url) as reporter:
        async with connect(reporter.live) as client:
            await heard(client)
            redis_server.program.pause()
            try:
                lags: list[float] = []
                async with asyncio.timeout(20):
                    while len(lags) < 3:
                        message = await heard(client, 10)
                        if message["behind"] > 0.5:
                            lags.append(message["behind"])
            finally:
                redis_server.program.resume()

    assert lags == sorted(lags)
    assert lags[0] < lags[-1]
