"""Millions of records at once, into the running stack's ledger and its live view."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Final

from meshsplit.local.run import Run
from meshsplit.local.traffic import LoadError

LIMIT_S: Final = 7200
_FILL: Final = "loadtest.bulk"
_REBUILD: Final = "services.ingest.rebuild"


def seed_large(run: Run, records: int, seed: int, say: Callable[[str], None]) -> None:
    """Fill the ledger past the services, then have the live view rebuilt from it.

    Raises:
        LoadError: one of the two failed; it has said why.
        OSError: the gateway doesn't answer.

    """
    arms = [word for arm in _arms(run) for word in ("--arm", arm)]
    say(f"{records:,} records go straight into the ledger; this takes minutes")
    _run(run, [_FILL, "--records", str(records), "--seed", str(seed), *arms])
    say("the live view is rebuilt from the ledger")
    _run(run, [_REBUILD])


def _arms(run: Run) -> list[str]:
    url = f"http://{run.settings.gateway}/api/v1/records/count"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return sorted(json.load(answer)["arms"])


def _run(run: Run, module: list[str]) -> None:
    stores = {
        "PYTHONPATH": str(run.settings.root),
        "MESHSPLIT_MYSQL_URL": run.values["mysql_url"],
        "MESHSPLIT_REDIS_URL": run.values["redis_url"],
    }
    done = subprocess.run(
        [sys.executable, "-m", *module], env=os.environ | stores, timeout=LIMIT_S, check=False
    )
    if done.returncode != 0:
        raise LoadError(f"python -m {module[0]} failed, as it says above")
