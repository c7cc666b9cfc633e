"""Stop the stack the other way round, each stage bounded, and leave no process."""

import contextlib
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from meshsplit.local.run import Run, end_leftovers
from meshsplit.local.settings import RUN_FILE
from meshsplit.local.stack import Service

POLL_S = 0.1
DRAIN_LIMIT_S = 10
GRACE_S = 5
SUPERVISOR_LIMIT_S = 20
INSTALLED = "install"
RUNNING = frozenset({"RUNNING", "STARTING", "STOPPING", "BACKOFF"})

Say = Callable[[str], None]


def down(run: Run, say: Say) -> bool:
    """Stop everything; the data stays. Returns whether anything ran."""
    ran = run.supervisor.alive()
    if ran:
        for stage in reversed(run.stack.stages):
            of_stage = [s for s in run.services if s.stage == stage and not s.once]
            if any(s.name == "envoy" for s in of_stage):
                drain(run)
            stop(of_stage, run, say)
    run.supervisor.end(SUPERVISOR_LIMIT_S)
    for name in end_leftovers(run.here):
        ran = True
        say(f"ended process {name}, which no supervisor held")
    (run.here.state / RUN_FILE).unlink(missing_ok=True)
    return ran


def stop(services: Sequence[Service], run: Run, say: Say) -> None:
    """Stop services together; the supervisor kills one that takes longer than its stop_s."""
    states = run.supervisor.processes()
    waiting = [s for s in services if s.name in states and states[s.name].state in RUNNING]
    for service in waiting:
        run.supervisor.stop(service.name)
    began = time.monotonic()
    deadline = began + max((s.stop_s for s in waiting), default=0) + GRACE_S
    while waiting and time.monotonic() < deadline:
        states = run.supervisor.processes()
        for service in list(waiting):
            if states[service.name].state not in RUNNING:
                say(f"{service.title}: stopped ({time.monotonic() - began:.1f} s)")
                waiting.remove(service)
        time.sleep(POLL_S)


def drain(run: Run) -> None:
    """Let the gateway finish what it has begun; one that doesn't answer has nothing to finish."""
    admin = f"http://127.0.0.1:{run.settings.ports['envoy_admin']}"
    stop_accepting = urllib.request.Request(  # noqa: S310  our own URL
        f"{admin}/drain_listeners?graceful&skip_exit", method="POST"
    )
    deadline = time.monotonic() + DRAIN_LIMIT_S
    try:
        with urllib.request.urlopen(stop_accepting, timeout=2):  # noqa: S310  our own URL
            pass
        while time.monotonic() < deadline and _active(admin) > 0:
            time.sleep(POLL_S)
    except OSError:
        return


def drop(run: Run) -> None:
    """Delete the data and the run's files; what is installed stays. Call it when nothing runs."""
    shutil.rmtree(run.here.data)
    run.here.socket.unlink(missing_ok=True)
    for path in run.here.state.iterdir():
        if path.is_dir() and path.name != INSTALLED:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    with contextlib.suppress(OSError):  # not empty: the installer's notes are there
        run.here.state.rmdir()


def _active(admin: str) -> int:
    """Return how many requests are under way; a WebSocket, which never ends, is none."""
    url = f"{admin}/stats?format=json&filter=downstream_(rq_active|cx_upgrades_active)$"
    with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own URL
        stats = json.load(answer)["stats"]
    total = 0
    for stat in stats:
        if stat["name"].startswith("http.admin."):
            continue
        sign = -1 if stat["name"].endswith("upgrades_active") else 1
        total += sign * stat["value"]
    return max(total, 0)
