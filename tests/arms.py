"""Both arms as real processes on real stores, without a gateway."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from audit.servers.program import free_port
from tests import plain_http

ROOT: Final = Path(__file__).resolve().parent.parent
GOOD: Final[dict[str, Any]] = {
    "carne": "54868-6031",
    "nombre": "Nannie",
    "curso": "S30",
    "nota": 13,
    "semestre": "slider",
    "year": 2002,
}
_LIMIT_S: Final = 20.0


class ServiceProcess:
    """One service, ``python -m services.<name>``, that a test may end and start again."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.log = folder / f"{name}-{self.port}.log"
        self._environment = dict(environment) | {"MESHSPLIT_PORT": str(self.port)}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, limit_s: float = _LIMIT_S) -> "ServiceProcess":
        """Start it and wait until it is ready."""
        self.begin()
        self.wait_until("/readyz", 200, limit_s)
        return self

    def begin(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"services.{self.name}"],
                cwd=ROOT,
                env=_clean_environment() | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until(self, path: str, status: int, limit_s: float = _LIMIT_S) -> None:
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                if plain_http.get(self.url + path, timeout=2).status_code == status:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(
            f"{self.name} {path} never was {status}: {self.log.read_text()[-3000:]}"
        )

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to drain; give its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=_LIMIT_S + 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Arms:
    """Ingest, bridge and recorder."""

    def __init__(self, folder: Path, mysql_url: str, redis_url: str, **settings: str) -> None:
        grpc_port = free_port()
        environment = {
            "MESHSPLIT_MYSQL_URL": mysql_url,
            "MESHSPLIT_REDIS_URL": redis_url,
            "MESHSPLIT_GRPC_PORT": str(grpc_port),
            "MESHSPLIT_RECORDER": f"127.0.0.1:{grpc_port}",
            **settings,
        }
        self.grpc_target = environment["MESHSPLIT_RECORDER"]
        self.ingest = ServiceProcess("ingest", folder, environment)
        self.recorder = ServiceProcess("recorder", folder, environment)
        self.bridge = ServiceProcess("bridge", folder, environment)
        self.all = (self.ingest, self.recorder, self.bridge)

    @property
    def urls(self) -> dict[str, str]:
        """Each arm's URL by its name."""
        return {"fastapi": self.ingest.url, "grpc": self.bridge.url}

    def start(self) -> "Arms":
        """Start all at once, and wait until each is ready."""
        for service in self.all:
            service.begin()
        for service in self.all:
            service.wait_until("/readyz", 200)
        return self

    def kill(self) -> None:
        for service in self.all:
            if service.process is not None:
                service.kill()


def _clean_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MESHSPLIT_")}
    return kept | {"PYTHONPATH": str(ROOT)}


def encoded(**changes: Any) -> bytes:
    """A good record's JSON, but for some values."""
    return json.dumps(GOOD | changes).encode()


@pytest.fixture(scope="session")
def arms(
    tmp_path_factory: pytest.TempPathFactory, mysql_url: str, redis_url: str
) -> Iterator[Arms]:
    """Both arms, shared by the tests that only talk to them."""
    made = Arms(tmp_path_factory.mktemp("arms"), mysql_url, redis_url, MESHSPLIT_BODY_TIMEOUT_S="1")
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def own_arms(tmp_path: Path, mysql_url: str, redis_url: str) -> Iterator[Arms]:
    """Both arms, of one test that may end them."""
    made = Arms(tmp_path, mysql_url, redis_url, MESHSPLIT_STORE_TIMEOUT_S="2")
    try:
        yield made.start()
    finally:
        made.kill()
