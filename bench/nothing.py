"""A service that does nothing but answer, in the place of an arm: ``python -m bench.nothing``.

It runs on the same server with the same settings, so what it costs is what HTTP costs.
"""

import os

import uvicorn
from starlette.types import Receive, Scope, Send

_BODY = b'{"id":"00000000-0000-7000-8000-000000000000","arm":"nothing"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and answer 201; 200 to a GET, such as the question whether it is ready."""
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    status = 201 if scope["method"] == "POST" else 200
    await send({"type": "http.response.start", "status": status, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    uvicorn.run(
        application,
        port=int(os.environ["MESHSPLIT_PORT"]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
    )
