"""The reading benchmark's asker and live clients, against small servers of the tests' own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench import watching as watched
from bench.aims import Aim
from bench.asking import Asking, Endpoint
from bench.watching import UnheardError, Watching


@asynccontextmanager
async def answering(answers: dict[str, tuple[int, str]]) -> AsyncIterator[str]:
    """Answer each path with a status and a body; gives the server's URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status, body = answers[request.split()[1].decode()]
        head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def wrong_of(status: int, body: str, *, listed: bool = False) -> list[str]:
    """Ask for an object with a total, or a list of them, and give what was wrong."""

    async def ask() -> list[str]:
        async with answering({"/a": (status, body)}) as url:
            asking = Asking({"a": Endpoint(f"{url}/a", ("total",), listed=listed)}, 50)
            await asking.run(0.02)
            return asking.wrong

    return asyncio.run(ask())


def test_endpoints_are_asked_in_turn_and_their_times_and_the_askers_own_kept() -> None:
    async def ask() -> Asking:
        async with answering({"/a": (200, "{}"), "/b": (200, "[{}]")}) as url:
            both = {"a": Endpoint(f"{url}/a", ()), "b": Endpoint(f"{url}/b", (), listed=True)}
            asking = Asking(both, 100)
            await asking.run(0.1)
            return asking

    asking = asyncio.run(ask())
    assert {name: times.total for name, times in asking.times.items()} == {"a": 5, "b": 5}
    assert asking.lag.total == 10
    assert not asking.wrong


@pytest.mark.parametrize(
    ("body", "listed"),
    [("[]", False), ("{}", False), ("no JSON", False), ("[]", True), ('{"total": 1}', True)],
)
def test_an_answer_of_another_shape_is_told_of(body: str, listed: bool) -> None:
    assert wrong_of(200, body, listed=listed) == [f"a: its answer isn't of its shape: {body}"]


@pytest.mark.parametrize(("body", "listed"), [('{"total": 1, "more": 2}', False), ("[1]", True)])
def test_an_answer_with_an_error_status_is_told_of_whatever_it_has(body: str, listed: bool) -> None:
    assert wrong_of(503, body, listed=listed) == ["a: 503"]


def test_an_answer_of_its_shape_is_right() -> None:
    assert not wrong_of(200, '{"total": 1, "more": 2}')
    assert not wrong_of(200, '[{"total": 1}, {"total": 2}]', listed=True)


@pytest.mark.parametrize(("late", "void"), [(4_000_000, False), (6_000_000, True)])
def test_an_asker_later_than_half_of_what_it_measured_is_void(late: int, void: bool) -> None:
    asking = Asking({"a": Endpoint("http://nowhere", ())}, 1)
    for _ in range(100):
        asking.lag.add(late)
        asking.times["a"].add(10_000_000)
    assert bool(asking.void()) is void


@asynccontextmanager
async def telling(tells: Callable[[int], bool]) -> AsyncIterator[tuple[str, Callable[[int], None]]]:
    """Serve a WebSocket; gives its URL and what sends a total to each client that is told."""
    clients: list[ServerConnection] = []
    sent: set[asyncio.Task[None]] = set()

    async def keep(client: ServerConnection) -> None:
        clients.append(client)
        await client.wait_closed()

    def tell(total: int) -> None:
        for number, client in enumerate(clients):
            if tells(number):
                sent.add(asyncio.create_task(client.send(json.dumps({"total": total}))))

    async with serve(keep, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", tell


def test_the_last_clients_moment_is_given_when_all_were_told() -> None:
    async def watch() -> int:
        async with telling(lambda _: True) as (url, tell):
            watching = Watching(url, 3)
            await watching.begin()
            watching.expect(7)
            tell(8)
            try:
                return await watching.last_told()
            finally:
                await watching.end()

    assert asyncio.run(watch()) > 0


def test_a_client_that_is_not_told_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_HEARD_S", 0.5)

    async def watch() -> None:
        async with telling(lambda number: number != 1) as (url, tell):
            watching = Watching(url, 3)
            await watching.begin()
            watching.expect(7)
            tell(7)
            try:
                await watching.last_told()
            finally:
                await watching.end()

    with pytest.raises(UnheardError, match=r"1 of 3 live clients .* 7 records"):
        asyncio.run(watch())


def test_an_aim_is_met_below_its_bound_only() -> None:
    assert Aim(25, "ms").held(24.9) == "24.9 ms (aim: below 25, met)"
    assert Aim(25, "ms").held(25) == "25.0 ms (aim: below 25, NOT MET)"
