"""A real reporter in a process of its own, as `python -m services.reporter` starts it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from audit.servers.program import free_port
from tests import plain_http

_ROOT = Path(__file__).parent.parent
_START_S = 30.0


@dataclass(frozen=True)
class ReporterProcess:
    """A running reporter."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def api(self) -> str:
        """The URL of its API, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def live(self) -> str:
        """The URL of its live WebSocket."""
        return f"ws://127.0.0.1:{self.port}/api/v1/live"

    def terminate(self) -> int:
        """Ask it to end, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextmanager
def reporter_process(mysql_url: str, redis_url: str, **settings: str) -> Iterator[ReporterProcess]:
    """Run a reporter, ready, until the block ends."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="meshsplit-reporter-") as folder:
        environment = {
            "MESHSPLIT_MYSQL_URL": mysql_url,
            "MESHSPLIT_REDIS_URL": redis_url,
            "MESHSPLIT_PORT": str(port),
            "MESHSPLIT_STATE_DIR": folder,
            "MESHSPLIT_MESH_DIR": str(_ROOT / "mesh"),
            "MESHSPLIT_ENVOY_ADMIN": "http://127.0.0.1:9",  # nobody is there
            "MESHSPLIT_PROMETHEUS": "http://127.0.0.1:9",  # nor there
            **settings,
        }
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.reporter"],
                cwd=_ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
            )
        reporter = ReporterProcess(port, process, log)
        try:
            _wait_until_ready(reporter)
            yield reporter
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait_until_ready(reporter: ReporterProcess) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and reporter.process.poll() is None:
        try:
            if plain_http.get(f"http://127.0.0.1:{reporter.port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(reporter.log.read_text()[-3000:])
