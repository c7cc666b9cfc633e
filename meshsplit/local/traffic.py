"""Records sent by locust without its page: the sample, once, and a bounded steady load."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from meshsplit.local.run import MARK, Run
from meshsplit.local.settings import PREFIX, SettingsError
from meshsplit.local.supervise import log_of
from meshsplit.local.up import tail

SAMPLE = "loadtest/sample.json"
SAMPLE_USERS = 20
SAMPLE_LIMIT_S = 120
MOST_USERS, LONGEST_S, MOST_A_SECOND = 1000, 3600, 1000
STOP_LIMIT_S = 60

Say = Callable[[str], None]


class LoadError(Exception):
    """Locust failed its run: an answer was wrong, or records were not acknowledged."""


@dataclass(frozen=True)
class Load:
    """A steady load: how many users, how many records a second each, for how long."""

    users: int
    rate: float
    seconds: int


def load_settings(environ: Mapping[str, str]) -> Load:
    """Read MESHSPLIT_LOAD_USERS, MESHSPLIT_LOAD_RATE and MESHSPLIT_LOAD_SECONDS.

    Raises SettingsError that names all wrong ones.
    """
    problems: list[str] = []

    def number(name: str, default: float, most: float) -> float:
        text = environ.get(f"{PREFIX}LOAD_{name}", str(default))
        try:
            value = float(text)
        except ValueError:
            value = -1
        if not 0 < value <= most:
            problems.append(
                f"{PREFIX}LOAD_{name}={text}: expected a number above 0, up to {most:g}"
            )
        return value

    users = number("USERS", 10, MOST_USERS)
    rate = number("RATE", 5, MOST_A_SECOND)
    seconds = number("SECONDS", 300, LONGEST_S)
    if problems:
        raise SettingsError(problems)
    return Load(max(1, int(users)), rate, max(1, int(seconds)))


def ledger_total(run: Run) -> int:
    """Return how many records the ledger holds, as the reporter says at the gateway."""
    url = f"http://{run.settings.gateway}/api/v1/records/count"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(json.load(answer)["total"])


def send_sample(run: Run, say: Say) -> bool:
    """Send the sample's records, each once, into an empty ledger only; returns whether it was.

    Raises LoadError when one wasn't acknowledged rightly.
    """
    if ledger_total(run) != 0:
        return False
    say("the ledger is empty: locust sends the 1,000 sample records through the gateway")
    command = [
        *_locust(run),
        *("--mode", "once", "--data", str(run.settings.root / SAMPLE)),
        *("--users", str(SAMPLE_USERS), "--spawn-rate", str(SAMPLE_USERS)),
        *("--run-time", f"{SAMPLE_LIMIT_S}s", "--only-summary"),
    ]
    log = log_of(run.here, "sample")
    with log.open("w") as out:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=_environment(run),
            timeout=SAMPLE_LIMIT_S + STOP_LIMIT_S,
            check=False,
        )
    if done.returncode != 0:
        raise LoadError(f"the sample was not stored as it should be; {log} ends:\n{tail(log)}")
    return True


def send_load(run: Run, load: Load) -> int:
    """Send a steady load with locust in the foreground; returns its exit code."""
    command = [
        *_locust(run),
        *("--mode", "steady", "--rate", str(load.rate)),
        *("--users", str(load.users), "--spawn-rate", str(load.users)),
        *("--run-time", f"{load.seconds}s"),
        *("--metrics-port", str(run.settings.ports["load"])),
    ]
    return subprocess.run(
        command, env=_environment(run), timeout=load.seconds + STOP_LIMIT_S, check=False
    ).returncode


def _locust(run: Run) -> list[str]:
    locustfile = run.settings.root / "loadtest" / "locustfile.py"
    program = [sys.executable, "-m", "locust", "--locustfile", str(locustfile)]
    return [*program, "--host", f"http://{run.settings.gateway}", "--headless"]


def _environment(run: Run) -> dict[str, str]:
    path = {"PYTHONPATH": str(run.settings.root), MARK: str(run.here.state)}
    return {**os.environ, **path}
