"""The local runner's part of the `meshsplit` command."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from meshsplit.local import down as stopping
from meshsplit.local import up as starting
from meshsplit.local.arms import ArmError
from meshsplit.local.filling import seed_large as fill_ledger
from meshsplit.local.grafana import GrafanaError
from meshsplit.local.programs import ProgramMissingError
from meshsplit.local.run import BusyError, Run, alone, open_run
from meshsplit.local.screen import complain, say, status, welcome
from meshsplit.local.settings import SettingsError, checkout, load
from meshsplit.local.stack import StackError
from meshsplit.local.stores import StoreError
from meshsplit.local.supervise import SupervisorError, log_of
from meshsplit.local.traffic import LoadError, load_settings, send_load, send_sample

KNOWN_TROUBLE = (
    ArmError,
    BusyError,
    GrafanaError,
    LoadError,
    OSError,
    ProgramMissingError,
    StackError,
    StoreError,
    SupervisorError,
    starting.StartError,
    subprocess.TimeoutExpired,
    LookupError,
)
BAD_SETTINGS = 2
Names = Annotated[list[str] | None, typer.Argument(help="Services; all when none is named.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


def register(app: typer.Typer) -> None:
    """Add up, down, reset, restart, status, logs, load and the others to the command."""
    commands = (up, down, reset, restart, show_status, logs, load_steadily, seed_large, migrate)
    for command in (*commands, dev, install):
        name = {show_status: "status", load_steadily: "load"}.get(command, command.__name__)
        app.command(name.replace("_", "-"))(command)


def up() -> None:
    """Start whatever of the stack doesn't run here, and wait until all of it is ready."""
    with _trouble():
        began = time.monotonic()
        run = _open()
        with alone(run.here):
            started = starting.up(run, say)
            sent = send_sample(run, say)
        if not started and not sent:
            say("everything runs already; nothing was changed")
        changed = starting.outdated(run)
        if changed:
            say(f"the code changed since these were started: {', '.join(changed)}.")
            say(f"meshsplit restart {' '.join(changed)}    runs the new code")
        print(welcome(run, time.monotonic() - began))


def down() -> None:
    """Finish what is under way and stop the stack; the data stays."""
    with _trouble():
        run = _open()
        with alone(run.here):
            ran = stopping.down(run, say)
        say("everything is stopped; the data stays" if ran else "nothing was running")


def reset(*, yes: Yes = False) -> None:
    """Stop the stack and delete its data."""
    with _trouble():
        run = _open()
        question = f"Delete every record and figure in {run.here.data} and {run.here.state}?"
        if not (yes or os.environ.get("YES") == "1" or _confirmed(question)):
            complain("Nothing was deleted. YES=1 make reset deletes without asking.")
            raise typer.Exit(1)
        with alone(run.here):
            stopping.down(run, say)
            stopping.drop(run)
        say("stopped, and the data is gone")


def restart(services: Names = None) -> None:
    """Stop services and start them again, with the code and configuration of now."""
    with _trouble():
        run = _open()
        chosen = [run.service(name) for name in services or []]
        chosen = chosen or [s for s in run.services if s.ours and not s.once]
        with alone(run.here):
            if not run.supervisor.alive():
                raise starting.StartError("the stack isn't running: `make up` starts it")
            stopping.stop(chosen, run, say)
            starting.up(run, say)


def show_status() -> None:
    """Show every service's process, ports and readiness; exit code 1 unless all are ready."""
    with _trouble():
        table, good = status(_open())
        print(table)
        raise typer.Exit(0 if good else 1)


def logs(
    services: Names = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they grow.")] = False,
) -> None:
    """Show the end of the services' logs."""
    with _trouble():
        run = _open()
        names = services or [s.name for s in run.services]
        files = [str(log_of(run.here, run.service(name).name)) for name in names]
        there = [file for file in files if os.path.exists(file)]  # noqa: PTH110  tail takes text
        if not there:
            say(f"no logs in {run.here.logs} yet")
            raise typer.Exit(1)
        sys.stdout.flush()
        command = ["tail", "-n", "20", *(["-F"] if follow else []), *there]
        raise typer.Exit(subprocess.run(command, check=False).returncode)


def load_steadily(
    users: Annotated[int | None, typer.Option(help="How many users.")] = None,
    rate: Annotated[float | None, typer.Option(help="Records a second by each.")] = None,
    seconds: Annotated[int | None, typer.Option(help="For how long.")] = None,
) -> None:
    """Send records steadily through the gateway, for a bounded time."""
    with _trouble():
        given = {"USERS": users, "RATE": rate, "SECONDS": seconds}
        chosen = {f"MESHSPLIT_LOAD_{n}": str(v) for n, v in given.items() if v is not None}
        wanted = load_settings({**os.environ, **chosen})
        raise typer.Exit(send_load(_open(), wanted))


def seed_large(
    records: Annotated[int, typer.Option(min=1, help="How many.")] = 10_000_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same records.")] = 1,
) -> None:
    """Put millions of records straight into the running stack's ledger, and into its live view."""
    with _trouble():
        run = _open()
        with alone(run.here):
            fill_ledger(run, records, seed, say)
        say("done: the dashboard shows them")


def dev() -> None:
    """Serve the dashboard with hot reload, against the running stack's gateway."""
    with _trouble():
        settings = load()
        environment = {**os.environ, "MESHSPLIT_GATEWAY": f"http://{settings.gateway}"}
        page = settings.root / "services" / "dashboard"
        code = subprocess.run(["npm", "run", "dev"], cwd=page, env=environment, check=False)
        raise typer.Exit(code.returncode)


def migrate() -> None:
    """Bring the running stack's ledger to the newest schema."""
    with _trouble():
        run = _open()
        starting.run_once(run, run.service("migrate"), say)


def install() -> None:
    """Install what this machine lacks, as `make install` does."""
    command = [sys.executable, "-m", "meshsplit.local.install"]
    raise typer.Exit(subprocess.run(command, cwd=checkout(), check=False).returncode)


def _confirmed(question: str) -> bool:
    """Ask before data goes; a run without a terminal has not agreed."""
    return sys.stdin.isatty() and input(f"  {question} [y/N] ").strip().lower() in {"y", "yes"}


def _open() -> Run:
    return open_run(load())


@contextlib.contextmanager
def _trouble() -> Iterator[None]:
    """Turn what is known to go wrong into a message and an exit code: 2 for settings, else 1."""
    try:
        yield
    except SettingsError as error:
        complain("These settings make no sense:\n" + "\n".join(f"  {p}" for p in error.problems))
        raise typer.Exit(BAD_SETTINGS) from None
    except KNOWN_TROUBLE as error:
        complain(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("stopped by ^C; `make up` goes on from here, `make down` stops what runs")
        raise typer.Exit(130) from None
