"""Start whatever of the stack doesn't run, stage by stage, and see each part ready."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from meshsplit.local.arms import await_accepted, end_gone, gone
from meshsplit.local.grafana import SETTING
from meshsplit.local.hosts import addresses
from meshsplit.local.pages import built_page, put_in_place, served_page
from meshsplit.local.ports import taken
from meshsplit.local.readiness import amiss
from meshsplit.local.run import Run, end_leftovers
from meshsplit.local.settings import PREFIX, RUN_FILE, port_setting
from meshsplit.local.sources import fingerprint
from meshsplit.local.stack import Service
from meshsplit.local.stores import Preparation, prepare, write_endpoints
from meshsplit.local.supervise import FAILED, log_of

POLL_S = 0.1
SAY_AGAIN_S = 5
TAIL_LINES = 20
IDENTITY_HOST = "identity.meshsplit.internal"
IDENTITY_LIMIT_S = 15

Say = Callable[[str], None]


class StartError(Exception):
    """A part of the stack didn't start; says which, why, and where to read more."""


def up(run: Run, say: Say) -> list[str]:
    """Start what doesn't run, and end what the stack's file has no more.

    What runs is left alone. Returns what changed, by name.

    Raises StartError, StoreError, SupervisorError.
    """
    alive = run.supervisor.alive()
    if alive:
        _same_settings(run)
    else:
        for name in end_leftovers(run.here):
            say(f"ended process {name}, left by a run whose supervisor is gone")
    missing, departed = not_running(run), gone(run)
    agent = [s for s in run.services if s.name == "agent" and s not in missing]
    if alive:
        _await_running(run, [*missing, *agent], say)
    if missing:
        _start_missing(run, missing, say, alive=alive)
    news = write_endpoints(run.here, addresses(run.settings))
    if alive and (news or departed):
        await_accepted(run)
    elif alive:  # only now: it may have refused a host that came with a service
        _await_running(run, [s for s in run.services if s not in agent], say)
    if page := alive and _renew_page(run, missing):
        say("the dashboard's page has changed: it is served as it is now")
    if not (missing or departed or news or page):
        return []
    check_identity(run)
    end_gone(run, departed, say)
    _remember(run, missing)
    others = [name for name, is_new in (("the hosts", news), ("the page", page)) if is_new]
    return [*(service.name for service in missing), *departed, *others]


def _renew_page(run: Run, missing: Sequence[Service]) -> bool:
    built, served = built_page(run.settings.root), served_page(run.here)
    runs = [s for s in run.services if s.name == "dashboard" and s not in missing]
    return any(put_in_place(built, served, run.user_of(service)) for service in runs)


def _start_missing(run: Run, missing: Sequence[Service], say: Say, *, alive: bool) -> None:
    wanted = {port: run.settings.ports[port] for s in missing for port in s.ports}
    problems = taken(wanted, "127.0.0.1")
    if problems:
        raise StartError("\n".join(problems))
    _prepare(run, missing)
    run.configure()
    if alive:
        run.supervisor.adopt(s.name for s in missing)
    else:
        _remember(run, run.services)
        run.supervisor.launch(run.environment())
    names = {service.name for service in missing}
    for stage in run.stack.stages:
        of_stage = [s for s in run.services if s.stage == stage]
        for service in of_stage:
            if service.once and any(s.ours and s.name in names for s in run.services):
                run_once(run, service, say)
        start([s for s in of_stage if s.name in names], run, say)


def not_running(run: Run) -> list[Service]:
    """Return the services that the supervisor doesn't have up."""
    known = run.supervisor.processes()
    return [
        s
        for s in run.services
        if not s.once
        and (s.name not in known or known[s.name].state not in {"RUNNING", "STARTING"})
    ]


def start(services: Sequence[Service], run: Run, say: Say) -> None:
    """Start services together and wait until each is ready.

    Raises StartError with the end of its log for one that ends, or isn't ready in its time.
    """
    written = {s.name: _size(log_of(run.here, s.name)) for s in services}
    for service in services:
        if service.ready.startswith("file://"):
            Path(service.ready.removeprefix("file://")).unlink(missing_ok=True)
        run.supervisor.stop(service.name)  # one that waits to be tried again counts as started
        run.supervisor.start(service.name)
    for service, seconds in await_ready(services, run, say, written):
        say(f"{service.title}: ready ({seconds:.1f} s)")


def await_ready(
    services: Sequence[Service], run: Run, say: Say, written: Mapping[str, int] | None = None
) -> Iterator[tuple[Service, float]]:
    """Yield each service when it is ready, with the seconds it took.

    `written` is how long each log was before. Raises StartError as `start` does.
    """
    began = said = time.monotonic()
    waiting = list(services)
    written = written or {}
    while waiting:
        states = run.supervisor.processes()
        for service in list(waiting):
            state = states[service.name].state if service.name in states else "UNKNOWN"
            if state in FAILED:
                raise StartError(_crash(run, service, "ended", written.get(service.name, 0)))
            lacking = amiss(service.ready, run.passwords)
            waited = time.monotonic() - began
            if lacking is None:
                waiting.remove(service)
                yield service, waited
            elif waited > service.within_s:
                what = f"isn't ready after {service.within_s:.0f} s: {lacking}"
                raise StartError(_crash(run, service, what, written.get(service.name, 0)))
            elif time.monotonic() - said > SAY_AGAIN_S:
                said = time.monotonic()
                say(f"{service.title}: waiting, up to {service.within_s:.0f} s; {lacking}")
        if waiting:
            time.sleep(POLL_S)


def check_identity(run: Run) -> None:
    """Ask the gateway's port for this run's id: another's Envoy, or a cluster, couldn't tell it.

    Raises StartError when somebody else answers, or nobody.
    """
    request = urllib.request.Request(
        f"http://{run.settings.gateway}/", headers={"Host": IDENTITY_HOST}
    )
    deadline = time.monotonic() + IDENTITY_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310  our own URL
                heard = answer.read(1000).decode(errors="replace")
        except (urllib.error.URLError, OSError) as error:
            heard = str(error)
        if run.id in heard:
            return
        if time.monotonic() > deadline:
            raise StartError(
                f"http://{run.settings.gateway} isn't this run's gateway: asked who it is, it says "
                f"{heard!r}. Something else has the port, such as a cluster's host port; "
                f"{port_setting('gateway')}=… moves ours."
            )
        time.sleep(POLL_S)


def tail(path: Path, lines: int = TAIL_LINES, start_at: int = 0) -> str:
    """Return a log's last lines, from a byte on."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(start_at if start_at <= _size(path) else 0)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _prepare(run: Run, missing: Sequence[Service]) -> None:
    given = Preparation(
        run.here,
        run.settings.root,
        run.values,
        run.settings.ports,
        addresses(run.settings),
        run.passwords,
    )
    for service in missing:
        prepare(service.name, run.user_of(service), given)


def _await_running(run: Run, missing: Sequence[Service], say: Say) -> None:
    running = [s for s in run.services if not s.once and s not in missing]
    for _ in await_ready(running, run, say):
        pass  # it ran before; there is nothing new to say


def run_once(run: Run, service: Service, say: Say) -> None:
    """Run a program that ends by itself; raises StartError when it fails or isn't done in time."""
    log = log_of(run.here, service.name)
    written = _size(log)
    began = time.monotonic()
    try:
        with log.open("a") as out:
            done = subprocess.run(
                service.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**run.environment(), **service.environment},
                cwd=run.settings.root,
                timeout=service.within_s,
                check=False,
            )
    except subprocess.TimeoutExpired:
        what = f"isn't done after {service.within_s:.0f} s"
        raise StartError(_crash(run, service, what, written)) from None
    if done.returncode != 0:
        raise StartError(_crash(run, service, f"failed ({done.returncode})", written))
    say(f"{service.title}: done ({time.monotonic() - began:.1f} s)")


def _crash(run: Run, service: Service, what: str, written: int) -> str:
    log = log_of(run.here, service.name)
    return f"{service.title}: {what}. {log} ends:\n{tail(log, start_at=written)}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _same_settings(run: Run) -> None:
    """Refuse to mix a running stack with settings it wasn't started with."""
    running: dict[str, str] = _remembered(run)["settings"]
    now = _settings(run)
    names = sorted(n for n in {*running, *now} if running.get(n) != now.get(n))
    # a port that only one of them has came or went with its service
    names = [n for n in names if not ("_PORT_" in n and (n not in running or n not in now))]
    if names:
        changed = "; ".join(f"{n}: {running.get(n)} runs, {now.get(n)} is set" for n in names)
        raise StartError(
            f"the settings changed since this stack was started ({changed}). "
            "`make down` first, then `make up`."
        )


def _settings(run: Run) -> dict[str, str]:
    settings = run.settings
    ports = {port_setting(name): str(port) for name, port in settings.ports.items()}
    own = {
        f"{PREFIX}BIND": settings.bind,
        f"{PREFIX}MESH_DIR": str(settings.mesh),
        f"{PREFIX}STACK_FILE": str(settings.stack),
        f"{PREFIX}PORT_SHIFT": str(settings.shift),
    }
    if settings.grafana:
        own[SETTING] = settings.grafana
    return {**settings.passed_on, **ports, **own}


def _remember(run: Run, started: Sequence[Service]) -> None:
    """Keep the run's id, its settings, and of which sources each service was started."""
    sources = _remembered(run).get("sources", {}) if run.supervisor.alive() else {}
    mark = fingerprint(run.settings.root)
    sources.update({s.name: mark for s in started if s.ours})
    kept = {"id": run.id, "settings": _settings(run), "sources": sources}
    (run.here.state / RUN_FILE).write_text(json.dumps(kept, indent=2))


def outdated(run: Run) -> list[str]:
    """Return the running services whose Python sources changed since they were started."""
    sources: dict[str, str] = _remembered(run).get("sources", {})
    mark = fingerprint(run.settings.root)
    return [
        s.name for s in run.services if s.ours and not s.once and sources.get(s.name, mark) != mark
    ]


def _remembered(run: Run) -> dict[str, dict[str, str]]:
    path = run.here.state / RUN_FILE
    read: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    return read
