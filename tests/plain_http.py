"""Asking the servers that a test starts, over HTTP without TLS.

httpx reads every certificate authority of the machine for each client that it makes, and its
functions make one a call: 25 ms of CPU, which a test that asks a thousand times notices.
"""

import ssl
from functools import partial
from typing import Any, Final

import httpx

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For ``verify``: it trusts nobody."""


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """Ask once, on a connection of its own."""
    return httpx.request(method, url, verify=NO_TLS, **options)


get = partial(request, "GET")
put = partial(request, "PUT")
post = partial(request, "POST")
