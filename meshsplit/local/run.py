"""One run of the stack: its settings, places, filled services and supervisor, put together here."""

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from meshsplit.local.hosts import otlp_endpoint
from meshsplit.local.passwords import Passwords, passwords
from meshsplit.local.places import Places, make, places, store_user
from meshsplit.local.programs import FROM_THE_SYSTEM, programs
from meshsplit.local.settings import PREFIX, RUN_FILE, LocalSettings, port_setting
from meshsplit.local.stack import Service, Stack, load_stack
from meshsplit.local.stores import DATABASE, LOGIN
from meshsplit.local.supervise import Supervisor, configuration

MARK = "MESHSPLIT_STACK_OF"
"""In the environment of whatever a run started: its state folder, by which leftovers are known."""

END_LIMIT_S = 10
KEPT_FROM_CALLER = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "TZ")


class BusyError(Exception):
    """Another `meshsplit` starts or stops this very stack at the moment."""


@dataclass(frozen=True)
class Run:
    """Everything about one stack on this machine."""

    settings: LocalSettings
    here: Places
    passwords: Passwords
    stack: Stack
    id: str
    values: dict[str, str]
    services: tuple[Service, ...]
    supervisor: Supervisor

    def service(self, name: str) -> Service:
        """Return a service by its name; raises KeyError for none."""
        return next((s for s in self.services if s.name == name), None) or _none(
            name, self.services
        )

    def user_of(self, service: Service) -> str | None:
        """Return whom a service runs as; None is the caller."""
        return store_user(service.as_user)

    def configure(self) -> None:
        """Write the supervisor's configuration; it reads it when it is told to."""
        supervised = [(s, self.user_of(s)) for s in self.services if not s.once]
        self.here.supervisor_config.touch(mode=0o600)
        self.here.supervisor_config.write_text(configuration(self.here, supervised))

    def environment(self) -> dict[str, str]:
        """Return what the supervisor and its services are given of the caller's environment."""
        kept = {name: os.environ[name] for name in KEPT_FROM_CALLER if name in os.environ}
        return {**kept, MARK: str(self.here.state)}


def open_run(settings: LocalSettings) -> Run:
    """Put a run together, making its folders; nothing is started.

    Raises ProgramMissingError, GrafanaError, StackError, OSError.
    """
    here = places(settings.state)
    make(here)
    supervisor = Supervisor(here)
    secret = passwords(here.state)
    run_id = _run_id(here, keep=supervisor.alive())
    stack = load_stack(settings.stack)
    values = {
        **programs(settings.grafana),
        **{f"port.{name}": str(port) for name, port in settings.ports.items()},
        "root": str(settings.root),
        "state": str(here.state),
        "data": str(here.data),
        "mesh": str(settings.mesh),
        "bind": settings.bind,
        "gateway": settings.gateway,
        "origins": settings.origins,
        "otlp": otlp_endpoint(settings),
        "run_id": run_id,
        "mysql_url": f"mysql://{LOGIN}:{secret.mysql}@127.0.0.1:{settings.ports['mariadb']}/{DATABASE}",
        "redis_url": f"redis://:{secret.redis}@127.0.0.1:{settings.ports['redis']}/0",
    }
    services = tuple(
        _complete(s, stack, settings, run_id).filled(values)
        for s in stack.services
        if s.unless not in settings.passed_on and (not s.needs or s.needs in values)
    )
    return Run(settings, here, secret, stack, run_id, values, services, supervisor)


@contextlib.contextmanager
def alone(here: Places) -> Iterator[None]:
    """Hold the stack's lock; raises BusyError when another command has it."""
    with (here.state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f"another meshsplit is starting or stopping the stack in {here.state}"
            ) from None
        yield


def leftovers(here: Places) -> list[psutil.Process]:
    """Return the processes that a run in these places started and that live still.

    A store that writes its title over its environment is known by its name and its folder.
    """
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK) == str(here.state)
            stored = process.name() in FROM_THE_SYSTEM and (
                Path(process.cwd()).is_relative_to(here.data)
            )
        except psutil.Error:
            continue
        if (marked or stored) and process.pid != os.getpid():
            found.append(process)
    return found


def end_leftovers(here: Places) -> list[str]:
    """End what a run whose supervisor is gone left behind; returns what there was."""
    found = leftovers(here)
    named = []
    for process in found:
        with contextlib.suppress(psutil.Error):
            named.append(f"{process.pid} {process.name()}")
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=END_LIMIT_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=END_LIMIT_S)
    return named


def _complete(service: Service, stack: Stack, settings: LocalSettings, run_id: str) -> Service:
    """Give a service of ours the stack's environment and every setting, its own ones last."""
    if not service.ours:
        return service
    environment = {
        **settings.passed_on,
        **stack.environment,
        f"{PREFIX}STATE_DIR": "{state}",
        f"{PREFIX}BIND": settings.bind,
        f"{PREFIX}RUN_ID": run_id,
        "PYTHONPATH": "{root}",
        **{port_setting(name): str(port) for name, port in settings.ports.items()},
        **service.environment,
    }
    return replace(service, environment=environment)


def _run_id(here: Places, *, keep: bool) -> str:
    """Return what tells this run's gateway from any other; a running one keeps its id."""
    path = here.state / RUN_FILE
    if keep and path.exists():
        read: dict[str, Any] = json.loads(path.read_text())
        return str(read["id"])
    return uuid.uuid4().hex


def _none(name: str, services: tuple[Service, ...]) -> Service:
    raise KeyError(f"no service {name!r}; there are {', '.join(s.name for s in services)}")
