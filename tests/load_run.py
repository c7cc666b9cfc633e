"""The load test as a process, and a server for it that misbehaves on demand."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tests.arms import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


class Handler(BaseHTTPRequestHandler):
    """Stores by key, as the real one; `misbehave` may answer instead, and says whether it did."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    misbehave: ClassVar[Any]
    stored: ClassVar[dict[str, bytes]]
    bodies: ClassVar[list[bytes]]
    numbers: ClassVar[Iterator[int]]
    storing: ClassVar[threading.Lock]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.key = self.headers["idempotency-key"] or uuid.uuid4().hex
        number = next(self.numbers)
        if type(self).misbehave(self, number):
            return
        self.bodies.append(body)
        self.answer(*self.store())

    def do_GET(self) -> None:
        self.answer(200, b'{"arms":[{"name":"fastapi"},{"name":"grpc"}]}')

    def store(self) -> tuple[int, bytes]:
        with self.storing:
            if self.key in self.stored:
                return 200, self.stored[self.key]
            arm = "fastapi" if len(self.stored) % 2 else "grpc"
            self.stored[self.key] = json.dumps({"id": str(uuid.uuid4()), "arm": arm}).encode()
            return 201, self.stored[self.key]

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        given = {"content_type": "application/json", "x_request_id": "r", **headers}
        for name, value in given.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server:
    """The server and a way to run the load test against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.handler: type[Handler] = type("OneTest", (Handler,), {})
        self.handler.misbehave = staticmethod(lambda _handler, _number: False)
        self.handler.stored, self.handler.bodies = {}, []
        self.handler.numbers = itertools.count()
        self.handler.storing = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)

    def run(self, records: int, *options: str) -> tuple[int, dict[str, Any], str]:
        data = self.folder / "data.json"
        rows = [GOOD | {"carne": str(number)} for number in range(records)]
        data.write_text(json.dumps(rows))
        report = self.folder / "report.json"
        done = locust(
            *("--host", f"http://127.0.0.1:{self.http.server_port}", "--data", str(data)),
            *("--report", str(report), *options),
        )
        told = json.loads(report.read_text()) if report.exists() else {}
        return done.returncode, told, done.stdout + done.stderr


def locust(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the load test to its end."""
    command = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"]
    command += ["--only-summary", "-u", "5", "-r", "5", "--run-time", "60s", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
