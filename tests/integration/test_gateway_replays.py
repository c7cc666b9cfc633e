"""Nothing is sent again once a byte of it has reached a service."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway import Gateway, eventually, running
from tests.mesh_folder import use

BODY = b"x" * 2000
QUIET_S = 1.0
"""Longer than any pause that Envoy makes before a retry (25 ms, growing to 250 ms)."""


class Vanishing:
    """A service that takes some of a request and hangs up; it counts those that reached it."""

    def __init__(self, until: bytes | int, *, reset: bool) -> None:
        self._until = until
        self._reset = reset
        self.reached = 0
        self._server: asyncio.Server | None = None
        self.address = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{port}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._until, bytes):
                await reader.readuntil(self._until)
                self.reached += 1
            else:
                await reader.readexactly(1)
                self.reached += 1
                await reader.readexactly(self._until - 1)
        except asyncio.IncompleteReadError:
            pass
        if self._reset:  # closing it then says RST instead of FIN
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running(tmp_path) as started:
        yield started


async def status(gateway: Gateway, head: bytes) -> bytes:
    """Send one request, return the answer's status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head + b"host: t\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY)
    line = await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    return line.split(b" ")[1]


async def replace(gateway: Gateway, service: Vanishing, *names: str) -> None:
    """Have hosts lead to another service."""
    for name in names:
        gateway.upstreams[name].address = service.address
    clusters = gateway.folder / "envoy" / "xds" / "cds.json"
    gateway.tell_endpoints()
    port = service.address.rpartition(":")[2]
    await eventually(lambda: clusters.read_text().count(f'"port_value": {port}') >= len(names))
    await asyncio.sleep(0.3)


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("until", [1, b"\r\n\r\n", BODY], ids=["a byte", "the head", "all of it"])
async def test_a_record_that_reached_an_arm_is_not_sent_to_any(
    gateway: Gateway, until: bytes | int, reset: bool
) -> None:
    service = Vanishing(until, reset=reset)
    await service.start()
    await replace(gateway, service, "ingest", "bridge")
    assert await status(gateway, b"POST / HTTP/1.1\r\n") == b"503"
    await asyncio.sleep(QUIET_S)
    assert service.reached == 1
    await service.stop()


@pytest.mark.parametrize("head", [b"x-arm: grpc\r\n", b"cookie: meshsplit-arm=fastapi\r\n"])
async def test_nor_is_one_that_a_header_or_a_cookie_pins(gateway: Gateway, head: bytes) -> None:
    use(gateway.mesh, "components/sticky", "components/pinning")
    routes = gateway.folder / "envoy" / "xds" / "rds.json"
    await eventually(lambda: "stays-with-grpc" in routes.read_text())
    service = Vanishing(BODY, reset=False)
    await service.start()
    await replace(gateway, service, "ingest", "bridge")
    assert await status(gateway, b"POST / HTTP/1.1\r\n" + head) == b"503"
    await asyncio.sleep(QUIET_S)
    assert service.reached == 1
    await service.stop()


async def test_the_test_can_fail_a_route_with_retries_on_reset_does_send_it_again(
    gateway: Gateway,
) -> None:
    text = gateway.records.read_text()
    again = "attempts: 2\n        retryOn: reset"
    gateway.records.write_text(text.replace("attempts: 0", again, 1))
    routes = gateway.folder / "envoy" / "xds" / "rds.json"
    await eventually(lambda: '"retry_on": "reset"' in routes.read_text())
    service = Vanishing(BODY, reset=False)
    await service.start()
    await replace(gateway, service, "ingest", "bridge")
    assert await status(gateway, b"POST / HTTP/1.1\r\n") == b"503"
    await asyncio.sleep(QUIET_S)
    assert service.reached == 3
    await service.stop()
