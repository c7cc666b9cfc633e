"""Reading a request's body, bounded in bytes and in time."""

import asyncio
from typing import Final

from starlette.types import Receive

DISCARD_MAX: Final = 16 * 1024 * 1024
"""Most bytes of a refused body that are read away, so that a client that writes all of its request
before it reads gets the answer instead of a reset connection."""


class BodyTooLarge(Exception):  # noqa: N818 - what happened, as the domain's exceptions
    """More bytes came than a body may have."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.whole = whole
        """Whether its end has come too: to read on would be to wait for the next request."""


class ClientGone(Exception):  # noqa: N818 - as above
    """The connection ended before the body did; nobody is left to answer."""


async def read_body(receive: Receive, *, limit: int, timeout_s: float) -> bytes:
    """Read a whole body.

    Raises:
        BodyTooLarge: it has more bytes than the limit.
        TimeoutError: it did not arrive in time.
        ClientGone: it never will.

    """
    async with asyncio.timeout(timeout_s):
        message = await receive()
        body: bytes = message.get("body", b"")
        while message["type"] == "http.request" and message.get("more_body"):
            if len(body) > limit:
                raise BodyTooLarge(whole=False)
            message = await receive()
            body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > limit:
        raise BodyTooLarge(whole=True)
    return body


async def discard_body(receive: Receive, *, timeout_s: float) -> bool:
    """Read the rest of a body away; say whether all of it came within the bounds."""
    seen = 0
    try:
        async with asyncio.timeout(timeout_s):
            while seen <= DISCARD_MAX:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return True
                seen += len(message.get("body", b""))
    except TimeoutError:
        pass  # too slow to wait for
    return False
