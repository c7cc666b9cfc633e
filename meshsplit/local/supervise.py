"""The supervisor: its generated configuration, its start, and what it is asked over its socket."""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from meshsplit.local.places import Places
from meshsplit.local.stack import Service

START_LIMIT_S = 20
ANSWER_LIMIT_S = 10
LOG_BYTES = 20_000_000
SETTLED_S = 2  # a program that ends sooner is started again later and later, not at once
RESTARTS = 30  # each a second later than the one before: about eight minutes of trying
STILL_RUNNING = 91
ALREADY_STARTED, NOT_RUNNING = 60, 70  # faults of the supervisor that say: it is so already

UP = frozenset({"RUNNING"})
ON_ITS_WAY = frozenset({"STARTING", "STOPPING"})
FAILED = frozenset({"BACKOFF", "EXITED", "FATAL", "UNKNOWN"})


class SupervisorError(Exception):
    """The supervisor doesn't start or doesn't answer; says where it wrote why."""


@dataclass(frozen=True)
class Process:
    """What the supervisor knows of one service."""

    name: str
    state: str
    pid: int
    since: float
    """Unix time of its last start."""


def configuration(here: Places, services: Iterable[tuple[Service, str | None]]) -> str:
    """Return the supervisor's configuration for services and whom each runs as."""
    parts = [
        f"""\
[supervisord]
nodaemon = true
logfile = {_text(here.logs / "supervisord.log")}
pidfile = {_text(here.supervisor_pid)}
childlogdir = {_text(here.logs)}
directory = {_text(here.state)}
minfds = 4096
{"user = root" if os.geteuid() == 0 else ""}

[unix_http_server]
file = {_text(here.socket)}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    for service, user in services:
        environment = ",".join(
            f'{name}="{_text(value)}"' for name, value in service.environment.items()
        )
        parts.append(
            f"""\
[program:{service.name}]
command = {_text(shlex.join(service.words))}
environment = {environment}
directory = {_text(here.data if user else here.state)}
{f"user = {user}" if user else ""}
autostart = false
autorestart = true
startsecs = {SETTLED_S}
startretries = {RESTARTS}
stopsignal = {service.stop_signal}
stopwaitsecs = {service.stop_s:.0f}
killasgroup = true
redirect_stderr = true
stdout_logfile = {_text(log_of(here, service.name))}
stdout_logfile_maxbytes = {LOG_BYTES}
stdout_logfile_backups = 1
"""
        )
    return "\n".join(parts)


def log_of(here: Places, name: str) -> Path:
    """Return where a service's output is kept."""
    return here.logs / f"{name}.log"


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket, with a limit: a stopped supervisor must not hang whoever asks."""

    def __init__(self, path: Path) -> None:
        super().__init__("supervisor", timeout=ANSWER_LIMIT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """Connect to the path; kept where close() looks for it."""
        connection = _Connection(self._path)
        self._connection = host, connection
        return connection


class Supervisor:
    """The running supervisor of one state folder."""

    def __init__(self, here: Places) -> None:
        """Make a client; nothing is sent yet."""
        self._here = here

    def _call(self, method: str, *arguments: object) -> Any:
        """Ask over a connection of its own: one that failed can't be used again."""
        transport = _Transport(self._here.socket)
        with xmlrpc.client.ServerProxy("http://supervisor", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def alive(self) -> bool:
        """Tell whether a supervisor answers on this state's socket."""
        if not self._here.socket.exists():
            return False
        try:
            self._call("getState")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        return True

    def launch(self, environment: dict[str, str]) -> None:
        """Start the supervisor in a session of its own, so that ^C here doesn't reach the services.

        Raises SupervisorError when it doesn't answer in time.
        """
        output = self._here.logs / "supervisord.out"
        with output.open("w") as out:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "supervisor.supervisord",
                    "-c",
                    self._here.supervisor_config,
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._here.state,
                env=environment,
                start_new_session=True,
            )
        # it outlives most callers; one that outlives it, such as a test, must collect it
        threading.Thread(target=process.wait, daemon=True).start()
        deadline = time.monotonic() + START_LIMIT_S
        while not self.alive():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(output.read_text().splitlines()[-10:])
                raise SupervisorError(f"the supervisor didn't start; {output} ends:\n{tail}")
            time.sleep(0.1)

    def processes(self) -> dict[str, Process]:
        """Return every service's state; empty when no supervisor runs."""
        if not self.alive():
            return {}
        told = self._call("getAllProcessInfo")
        return {
            info["name"]: Process(info["name"], info["statename"], info["pid"], info["start"])
            for info in told
        }

    def adopt(self, names: Iterable[str]) -> None:
        """Read the configuration anew for services that don't run; what runs is left alone."""
        known = self.processes()
        self._call("reloadConfig")
        for name in names:
            if name in known:
                self.stop(name)  # one that waits to be tried again counts as running
                try:
                    self._call("removeProcessGroup", name)
                except xmlrpc.client.Fault as fault:
                    if fault.faultCode != STILL_RUNNING:
                        raise SupervisorError(f"{name}: {fault.faultString}") from fault
                    continue  # it is on its way out, and comes back as it was
            self._call("addProcessGroup", name)

    def forget(self, name: str) -> None:
        """Let go of a stopped service that the configuration has no more."""
        self._call("removeProcessGroup", name)

    def start(self, name: str) -> None:
        """Ask for a service's start; returns at once."""
        self._ask("startProcess", name, ALREADY_STARTED)

    def stop(self, name: str) -> None:
        """Ask for a service's stop; returns at once."""
        self._ask("stopProcess", name, NOT_RUNNING)

    def end(self, limit_s: float) -> None:
        """End the supervisor, which ends whatever it still runs; kills it after the limit."""
        process = self.process()
        if self.alive():
            self._call("shutdown")
        if process is None:
            return
        try:
            process.wait(limit_s)
        except psutil.TimeoutExpired:
            for child in [*process.children(recursive=True), process]:
                child.kill()
            process.wait(limit_s)

    def process(self) -> psutil.Process | None:
        """Return the supervisor's process; None when the pid is stale and another's by now."""
        try:
            process = psutil.Process(int(self._here.supervisor_pid.read_text()))
            ours = str(self._here.supervisor_config) in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours else None

    def _ask(self, verb: str, name: str, harmless: int) -> None:
        try:
            self._call(verb, name, False)  # don't wait for it
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != harmless:
                raise SupervisorError(f"{name}: {fault.faultString}") from fault


def _text(value: object) -> str:
    """Escape what the supervisor expands; a quote in a path can't be said in its language."""
    return str(value).replace("%", "%%")
