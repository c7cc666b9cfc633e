"""A whole POST goes the short way; whatever is unusual goes the long way, as if there were none."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest
from starlette.types import Receive, Scope, Send

from services.core.http.answers import Headers
from services.core.http.direct import Reply
from tests.short_way import LIMIT_S, Server, serving, until

BODY = b'{"a":1}'
WHOLE = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 7\r\n\r\n" + BODY


class Route:
    """Answers at once, or when a test says so; the long way says that it is one."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.replies: list[Reply] = []
        self.held = False
        self.declines = False
        self.breaks = False

    def take(self, headers: Headers, body: bytes, reply: Reply) -> bool:
        assert (b"host", b"h") in headers
        if self.breaks:
            raise RuntimeError("broken")
        if self.declines:
            return False
        self.taken.append(body)
        if self.held:
            self.replies.append(reply)
        else:
            answer(reply)
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        text = b"long %b %b %b" % (scope["method"].encode(), scope["path"].encode(), body)
        headers = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})


def answer(reply: Reply, body: bytes = b"short") -> None:
    reply(201, [(b"content-length", b"%d" % len(body))], body)


def serving_route(keep_alive_s: int = 60) -> AbstractAsyncContextManager[Server[Route]]:
    return serving(Route(), keep_alive_s=keep_alive_s)


async def test_a_whole_post_takes_the_short_way_and_its_connection_goes_on() -> None:
    async with serving_route() as server:
        client = await server.connect()
        for _ in range(3):
            client.send(WHOLE)
            head, body = await client.answer()
            assert head.startswith(b"HTTP/1.1 201 Created\r\n")
            assert b"\r\ndate: " in head
            assert body == b"short"
        assert server.route.taken == [BODY] * 3
        assert server.uvicorn.server_state.total_requests == 3


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (b"GET / HTTP/1.1\r\nhost: h\r\n\r\n", b"long GET / "),
        (WHOLE.replace(b"POST / ", b"POST /x "), b"long POST /x " + BODY),
        (WHOLE.replace(b"POST / ", b"POST /?x=1 "), b"long POST / " + BODY),
        (WHOLE.replace(b"POST", b"PUT"), b"long PUT / " + BODY),
        (WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"), b"long POST / " + BODY),
        (WHOLE.replace(b"host: h", b"host: h\r\nconnection: close"), b"long POST / " + BODY),
    ],
)
async def test_what_is_unusual_takes_the_long_way(request_: bytes, told: bytes) -> None:
    async with serving_route() as server:
        client = await server.connect()
        client.send(request_)
        assert (await client.answer())[1] == told
        assert server.route.taken == []


async def test_a_body_in_pieces_takes_the_long_way_with_all_of_it() -> None:
    async with serving_route() as server:
        client = await server.connect()
        for piece in (WHOLE[:20], WHOLE[20:-5], WHOLE[-5:-2], WHOLE[-2:]):
            client.send(piece)
            await asyncio.sleep(0.02)
        assert (await client.answer())[1] == b"long POST / " + BODY
        client.send(WHOLE)
        assert (await client.answer())[1] == b"short"


async def test_a_chunked_body_that_is_all_there_takes_the_short_way() -> None:
    async with serving_route() as server:
        client = await server.connect()
        client.send(
            b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
            b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
        )
        assert (await client.answer())[1] == b"short"
        assert server.route.taken == [BODY]


async def test_what_the_route_declines_takes_the_long_way() -> None:
    async with serving_route() as server:
        server.route.declines = True
        client = await server.connect()
        client.send(WHOLE)
        assert (await client.answer())[1] == b"long POST / " + BODY


async def test_a_body_that_is_asked_for_first_takes_the_long_way() -> None:
    async with serving_route() as server:
        client = await server.connect()
        client.send(WHOLE[: -len(BODY) - 2] + b"expect: 100-continue\r\n\r\n")
        client.send(BODY)
        async with asyncio.timeout(LIMIT_S):
            told = await client._reader.readuntil(b"\r\n\r\n")  # noqa: SLF001 - an answer before the answer
        assert told.startswith(b"HTTP/1.1 100 ")
        assert (await client.answer())[1] == b"long POST / " + BODY


async def test_requests_sent_one_behind_the_other_are_answered_in_order() -> None:
    async with serving_route() as server:
        server.route.held = True
        client = await server.connect()
        client.send(WHOLE + WHOLE.replace(b"1}", b"2}") + WHOLE.replace(b"1}", b"3}"))
        await until(lambda: server.route.replies)
        answer(server.route.replies[0], b"first")
        bodies = [(await client.answer())[1] for _ in range(3)]
        assert bodies == [b"first", b'long POST / {"a":2}', b'long POST / {"a":3}']


async def test_a_request_under_way_when_the_server_stops_is_answered_and_the_connection_ends() -> (
    None
):
    async with serving_route() as server:
        server.route.held = True
        client = await server.connect()
        client.send(WHOLE)
        await until(lambda: server.route.replies)
        server.uvicorn.should_exit = True
        await asyncio.sleep(0.3)
        answer(server.route.replies[0])
        head, body = await client.answer()
        assert (body, b"\r\nconnection: close\r\n" in head) == (b"short", True)
        assert await client.ended()


async def test_an_answer_that_says_so_ends_the_connection() -> None:
    async with serving_route() as server:
        server.route.held = True
        client = await server.connect()
        client.send(WHOLE)
        await until(lambda: server.route.replies)
        server.route.replies[0](201, [(b"content-length", b"0"), (b"connection", b"close")], b"")
        head, _ = await client.answer()
        assert head.count(b"connection: close") == 1
        assert await client.ended()


async def test_an_answer_to_a_client_that_has_left_goes_nowhere() -> None:
    async with serving_route() as server:
        server.route.held = True
        client = await server.connect()
        client.send(WHOLE)
        await until(lambda: server.route.replies)
        await client.close()
        await until(lambda: not server.uvicorn.server_state.connections)
        answer(server.route.replies[0])


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    async with serving_route(keep_alive_s=1) as server:
        server.route.held = True
        idle, busy = await server.connect(), await server.connect()
        for client in (idle, busy):
            client.send(WHOLE)
        await until(lambda: len(server.route.replies) == 2)
        for reply in server.route.replies:
            answer(reply)
        for client in (idle, busy):
            await client.answer()
        busy.send(WHOLE)
        await until(lambda: len(server.route.replies) == 3)
        assert await idle.ended()
        await asyncio.sleep(1)
        answer(server.route.replies[2])
        assert (await busy.answer())[1] == b"short"
        assert await busy.ended()


async def test_what_is_no_http_is_told_so_and_nothing_is_taken() -> None:
    async with serving_route() as server:
        client = await server.connect()
        client.send(WHOLE[:-9] + b"broken\r\n\x00\r\n\r\n")
        head, _ = await client.answer()
        assert head.startswith(b"HTTP/1.1 400 ")
        assert server.route.taken == []


async def test_what_fails_the_short_way_takes_the_long_way_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving_route() as server:
        server.route.breaks = True
        client = await server.connect()
        client.send(WHOLE)
        assert (await client.answer())[1] == b"long POST / " + BODY
        server.route.breaks = False
        client.send(WHOLE)
        assert (await client.answer())[1] == b"short"
    (logged,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert logged.exc_info
    assert str(logged.exc_info[1]) == "broken"
