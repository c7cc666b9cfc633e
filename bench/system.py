"""The whole real system for a benchmark: `make up`'s own code, on free ports, in its own folder."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psutil

from meshsplit.local import down as stopping
from meshsplit.local import up as starting
from meshsplit.local.ports import free_ports
from meshsplit.local.run import Run, open_run
from meshsplit.local.settings import checkout, default_ports, load, port_setting
from meshsplit.local.stack import Service
from meshsplit.split.applied import Proxy
from meshsplit.split.changing import follow
from meshsplit.split.weights import asked_split, find_split, with_weights, write_split

_FOLLOW_S = 10.0
_FOUND_AGAIN_S = 1.5
"""After services were replaced: the gateway's connections are made anew."""

PROJECTING = "ingest"
"""The service that keeps Redis up; it tells by itself which arm it is."""

Say = Callable[[str], None]


class UnfitError(Exception):
    """The system can't be brought into the state that a case needs; says why."""


class System:
    """A running stack whose services may be replaced for a while."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._away: frozenset[str] = frozenset()

    @property
    def gateway(self) -> tuple[str, int]:
        """Where the gateway listens."""
        host, _, port = self.run.settings.gateway.rpartition(":")
        return host, int(port)

    @property
    def mysql_url(self) -> str:
        """The ledger."""
        return self.run.values["mysql_url"]

    @property
    def redis_url(self) -> str:
        """The live figures."""
        return self.run.values["redis_url"]

    @property
    def arms(self) -> dict[str, str]:
        """Each arm's name, and the service that it is."""
        return {arm.name: arm.host for arm in asked_split(self.run.settings.mesh).arms}

    def url(self, service: str) -> str:
        """Return the URL of a service's own port, past the gateway."""
        return f"http://127.0.0.1:{self.run.settings.ports[service]}"

    def processes(self) -> dict[str, psutil.Process]:
        """Return what runs, by name."""
        known = self.run.supervisor.processes()
        return {name: psutil.Process(p.pid) for name, p in known.items() if p.pid}

    def split(self, shares: Mapping[str, int]) -> None:
        """Give the arms these weights, and wait until the gateway has them.

        Raises:
            UnfitError: it hasn't in time.

        """
        mesh = self.run.settings.mesh
        path = find_split(mesh)
        wanted = {name: shares.get(name, 0) for name in self.arms}
        write_split(path, with_weights(path.read_text(), wanted, str(path)))

        async def wait() -> bool:
            async with httpx.AsyncClient(timeout=2) as client:
                admin = f"http://127.0.0.1:{self.run.settings.ports['envoy_admin']}"
                outcome = await follow(Proxy(client, admin), asked_split(mesh), 0, _FOLLOW_S)
                return outcome.applied

        if not asyncio.run(wait()):
            raise UnfitError(f"the gateway doesn't take the weights {wanted}")

    def evenly(self) -> None:
        """Give each arm the same share."""
        names = list(self.arms)
        share = 100 // len(names)
        rest = 100 - share * len(names)
        self.split({name: share + (rest if place == 0 else 0) for place, name in enumerate(names)})

    @contextmanager
    def instead(self, modules: Mapping[str, str]) -> Iterator[None]:
        """Run other programs of ours in services' places, for a while."""
        python = self.run.values["python"]
        others = [
            replace(self.run.service(name), command=(python, "-m", module))
            for name, module in modules.items()
        ]
        with self._running(others):
            yield

    @contextmanager
    def told(
        self,
        names: Sequence[str],
        settings: Mapping[str, str],
        without: str = "",
        through: str | None = None,
    ) -> Iterator[None]:
        """Run services with other settings, for a while.

        Args:
            names: the services.
            settings: what they are told besides.
            without: a setting that they aren't told.
            through: a module that runs a service's own.

        """
        others = []
        for service in map(self.run.service, names):
            environment = {**service.environment, **settings}
            environment.pop(without, None)
            python, option, *rest = service.command
            words = (python, option, through, *rest) if through else service.command
            others.append(replace(service, command=words, environment=environment))
        with self._running(others):
            yield

    @contextmanager
    def away(self, names: Sequence[str]) -> Iterator[None]:
        """Keep services stopped, but for what is run in their places, for a while."""
        own = [self.run.service(name) for name in names]
        stopping.stop(own, self.run, _quiet)
        self._away = frozenset(names)
        try:
            yield
        finally:
            self._away = frozenset()
            starting.start(own, self.run, _quiet)
            time.sleep(_FOUND_AGAIN_S)

    @contextmanager
    def _running(self, others: Sequence[Service]) -> Iterator[None]:
        """Have the supervisor run others under services' names, scheduled just as these are."""
        names = [each.name for each in others]
        own = [self.run.service(name) for name in names]
        kept = [s for s in self.run.services if s.name not in names]
        changed = replace(self.run, services=(*kept, *others))
        stopping.stop(own, self.run, _quiet)
        try:
            self._configure(changed, names)
            starting.start(others, changed, _quiet)
            time.sleep(_FOUND_AGAIN_S)
            yield
        finally:
            stopping.stop(others, changed, _quiet)
            self._configure(self.run, names)
            if back := [each for each in own if each.name not in self._away]:
                starting.start(back, self.run, _quiet)
                time.sleep(_FOUND_AGAIN_S)

    def _configure(self, run: Run, names: Sequence[str]) -> None:
        run.configure()
        run.supervisor.adopt(names)


def projected(running: System) -> str:
    """Ask the service that keeps Redis up which arm it is."""
    answer = httpx.get(f"{running.url(PROJECTING)}/", timeout=10).raise_for_status()
    return str(answer.json()["arm"])


@contextmanager
def system(say: Say, **settings: str) -> Iterator[System]:
    """Run a stack, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="meshsplit-bench-"))
    try:
        mesh = folder / "mesh"
        shutil.copytree(checkout() / "mesh", mesh)
        ports = {port_setting(n): str(p) for n, p in free_ports(default_ports()).items()}
        own = {"MESHSPLIT_STATE_DIR": str(folder / "state"), "MESHSPLIT_MESH_DIR": str(mesh)}
        given = {n: v for n, v in os.environ.items() if n == "MESHSPLIT_STACK_FILE"}
        run = open_run(load({**ports, **own, **given, **settings}))
        try:
            starting.up(run, say)
            yield System(run)
        finally:
            stopping.down(run, _quiet)
            stopping.drop(run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quiet(text: str) -> None:
    """Say nothing: a failure carries its own words."""
