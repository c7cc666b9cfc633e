"""The whole real system for a while: the code of `make up`, free ports, a folder that goes away.

    with own_run() as run:
        starting.up(run, say)
        ...

Nothing of it is left: not at the end, not on ^C, not after a SIGKILL.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

from meshsplit.local import down as stopping
from meshsplit.local import up as starting
from meshsplit.local.ports import free_ports
from meshsplit.local.run import Run, leftovers, open_run
from meshsplit.local.settings import checkout, default_ports, load, port_setting
from meshsplit.local.supervise import log_of

CLEAN_UP = """
import shutil
import sys
from pathlib import Path
sys.stdin.read()  # ends when whoever started this is gone, however it went
if Path(sys.argv[1]).exists():
    from meshsplit.local.temporary import reopen, remove
    remove(reopen(Path(sys.argv[1])))
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""
CLEANER_LIMIT_S = 60
MOUNT_LIMIT_S = 20


class LeftoverError(Exception):
    """A stack was stopped, and a process of it lives still."""


@dataclass(frozen=True)
class LiveStack:
    """A running stack, as a test or the audit sees it."""

    run: Run

    @property
    def gateway(self) -> str:
        """The gateway's URL, without a slash at its end."""
        return f"http://{self.run.settings.gateway}"

    @property
    def mesh(self) -> Path:
        """The stack's own copy of mesh/."""
        return self.run.settings.mesh

    @property
    def state(self) -> Path:
        """The stack's folder; the agent's and Envoy's files are in envoy/ there."""
        return self.run.here.state

    @property
    def ports(self) -> dict[str, int]:
        """Every port by its name in stack.toml."""
        return dict(self.run.settings.ports)

    @property
    def mysql_url(self) -> str:
        """The ledger."""
        return self.run.values["mysql_url"]

    @property
    def redis_url(self) -> str:
        """The live figures."""
        return self.run.values["redis_url"]

    def url(self, port: str) -> str:
        """Return the URL of a part's own port, past the gateway."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def pid(self, name: str) -> int:
        """Return a service's process id; 0 while it isn't running."""
        return self.run.supervisor.processes()[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a service a signal; the supervisor starts it again when that ends it."""
        psutil.Process(self.pid(name)).send_signal(number)

    def stop(self, name: str) -> None:
        """Stop a service as `meshsplit down` does, and wait until it has gone."""
        stopping.stop([self.run.service(name)], self.run, _quiet)

    def start(self, name: str) -> None:
        """Start a service that was stopped, and wait until it is ready."""
        starting.start([self.run.service(name)], self.run, _quiet)

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Stop a service for a while."""
        self.stop(name)
        try:
            yield
        finally:
            self.start(name)

    def log(self, name: str) -> str:
        """Return everything a service has written."""
        return log_of(self.run.here, name).read_text(errors="replace")


def settings_for(state: Path, mesh: Path, **more: str) -> dict[str, str]:
    """Return the settings of a stack of its own: free ports, own folders."""
    ports = {port_setting(n): str(p) for n, p in free_ports(default_ports()).items()}
    own = {"MESHSPLIT_STATE_DIR": str(state), "MESHSPLIT_MESH_DIR": str(mesh)}
    own["MESHSPLIT_GRAFANA"] = "none"  # the machine's own is nothing to depend on
    return {**ports, **own, **more}


@contextmanager
def own_run(**settings: str) -> Iterator[Run]:
    """Prepare a stack of its own, for the caller to start, and remove it at the end.

    Enter it in the main thread. Raises what `load` and `open_run` raise, and LeftoverError.
    """
    folder = Path(tempfile.mkdtemp(prefix="meshsplit-own-"))
    try:
        mesh = folder / "mesh"
        shutil.copytree(checkout() / "mesh", mesh)
        state = folder / "state"
        run = open_run(load(settings_for(state, mesh, **settings)))
        with _on_sigterm(), _cleaner(state, folder):
            try:
                yield run
            finally:
                remove(run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def live_stack(**settings: str) -> Iterator[LiveStack]:
    """Run a stack of its own for a while."""
    with own_run(**settings) as run:
        starting.up(run, _quiet)
        yield LiveStack(run)


def remove(run: Run) -> None:
    """Stop a stack and delete everything it wrote; raises LeftoverError if a process lives on."""
    stopping.down(run, _quiet)
    for part in psutil.disk_partitions(all=True):
        if Path(part.mountpoint).is_relative_to(run.here.data):
            subprocess.run(["umount", part.mountpoint], check=True, timeout=MOUNT_LIMIT_S)
    stopping.drop(run)
    if left := leftovers(run.here):
        raise LeftoverError(f"still running: {left}")


def reopen(state: Path) -> Run:
    """Return the run of a state folder whose settings are lost; good for ending it."""
    return open_run(load(settings_for(state, checkout() / "mesh")))


@contextmanager
def _cleaner(state: Path, folder: Path) -> Iterator[None]:
    """Keep a process that cleans up when this one is killed outright."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLEAN_UP, str(state), str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(checkout())},
    )
    try:
        yield
    finally:
        process.communicate(timeout=CLEANER_LIMIT_S)


@contextmanager
def _on_sigterm() -> Iterator[None]:
    """Let a polite end run the ends of what is open, as ^C does."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _quiet(text: str) -> None:
    """Say nothing: a failure carries its own words."""
