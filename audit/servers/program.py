"""A server process, the port it has, and whom it runs as."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from meshsplit.local.ports import free_ports

START_S: Final = 60.0
STOPPED_S: Final = 10.0


class Program:
    """A server process that may be paused, let go on, killed and started again."""

    def __init__(self, command: list[str], folder: Path, is_up: Callable[[], bool]) -> None:
        self.command = command
        self._folder = folder
        self._is_up = is_up
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process; 0 while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder
            )
        until = time.monotonic() + START_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError((self._folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def pause(self) -> None:
        """Stop it without ending it: its sockets stay open and nothing answers.

        Its threads stop one by one, on a busy machine long after the signal was sent.
        """
        self._signal(signal.SIGSTOP)
        until = time.monotonic() + STOPPED_S
        while not self._has_stopped():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.command[0]} goes on though it was told to stop")
            time.sleep(0.01)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._signal(signal.SIGTERM)
        if self._process is None:
            raise RuntimeError("it was never started")
        self._process.wait(timeout=START_S)

    def _has_stopped(self) -> bool:
        process = self._process
        return process is not None and bool(
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG)
        )

    def _signal(self, number: int) -> None:
        if self._process is None:
            raise RuntimeError("it was never started")
        self._process.send_signal(number)


def free_port() -> int:
    """Find a port that nobody has just now, and that no outgoing connection is given soon."""
    return free_ports(["one"])["one"]


def own_by_lesser_user(folder: Path) -> str | None:
    """Give a folder and all in it to a lesser user if this runs as root, and name them."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_name
