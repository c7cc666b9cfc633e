"""Services that come and go while the rest runs: the gateway must know first, or know no more."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from meshsplit.local.run import Run
from meshsplit.translator.refusal import Refusal

POLL_S = 0.1
NOTICED_LIMIT_S = 10
STOP_LIMIT_S = 125
"""No service may take longer: the table's own limit and a grace."""
STOPPED = frozenset({"STOPPED", "EXITED", "FATAL"})

Say = Callable[[str], None]


class ArmError(Exception):
    """A service can't come or go yet; says what stands in the way."""


def gone(run: Run) -> list[str]:
    """Return the services that the supervisor has and the stack's file has no more."""
    wanted = {service.name for service in run.services}
    return [name for name in run.supervisor.processes() if name not in wanted]


def await_accepted(run: Run) -> None:
    """Wait until the agent has taken in where the hosts are now.

    Raises ArmError when it refuses the mesh's files, or doesn't look.
    """
    asked = (run.here.state / "endpoints.json").stat().st_mtime
    status = run.here.envoy / "status.json"
    deadline = time.monotonic() + NOTICED_LIMIT_S
    while trouble := _not_accepted(status, asked):
        if time.monotonic() > deadline:
            raise ArmError(trouble)
        time.sleep(POLL_S)


def refused(status: Path) -> Refusal | None:
    """Return why the agent refuses the mesh's files as they are now, if it does."""
    error = json.loads(status.read_text())["error"]
    return None if error is None else Refusal(**error)


def _not_accepted(status: Path, asked: float) -> str | None:
    if not status.exists() or status.stat().st_mtime < asked:
        return "the agent hasn't taken in the hosts; `meshsplit logs agent` says why"
    refusal = refused(status)
    if refusal is None:
        return None
    return f"the gateway refuses its new configuration and keeps the old one: {refusal}"


def end_gone(run: Run, names: Sequence[str], say: Say) -> None:
    """Stop services that the gateway sends nothing to any more; each finishes what it has begun.

    Raises ArmError when one doesn't stop in its time.
    """
    for name in names:
        run.supervisor.stop(name)
    deadline = time.monotonic() + STOP_LIMIT_S
    for name in names:
        while run.supervisor.processes()[name].state not in STOPPED:
            if time.monotonic() > deadline:
                raise ArmError(f"{name} doesn't stop; `meshsplit logs` says why")
            time.sleep(POLL_S)
        run.supervisor.forget(name)
        say(f"{name}: stopped, for the stack has it no more")
