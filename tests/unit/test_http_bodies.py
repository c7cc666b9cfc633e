"""A body that is too large is refused as soon as that is known, wherever its end is."""

import asyncio

from tests.short_way import serving
from tests.unit.test_records_in_trouble import BODY, HEAD, Arm

CHUNKED = HEAD.replace(b"content-length: %d" % len(BODY), b"transfer-encoding: chunked")


def chunk(size: int) -> bytes:
    return b"%x\r\n%b\r\n" % (size, b" " * size)


async def test_a_body_too_large_by_its_last_piece_is_refused_at_once_and_the_next_is_read() -> None:
    arm = Arm()
    arm.fails = False
    async with serving(arm.route) as server:
        client = await server.connect()
        client.send(CHUNKED + chunk(65_000))
        await asyncio.sleep(0.1)  # so that the server has read them, and waits for more
        client.send(chunk(1_000) + b"0\r\n\r\n")
        head, _ = await client.answer()
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" not in head
        client.send(HEAD + BODY)
        head, _ = await client.answer()
        assert head.startswith(b"HTTP/1.1 201 ")
