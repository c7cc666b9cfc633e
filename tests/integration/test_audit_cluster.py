"""A short audit of the whole real system on a cluster's stores."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from audit.cluster import CLEAN_UP
from meshsplit.local.settings import checkout

LIMIT_S, CLEAN_UP_LIMIT_S = 240, 15
FAULTS = ("kill -9 every node", "kill -9 Redis in use")
"""Those that are over soonest."""


def test_a_cluster_in_trouble_loses_and_doubles_nothing(tmp_path: Path) -> None:
    report = tmp_path / "audit.md"
    command = [sys.executable, "-m", "audit", "--stores", "cluster", "--seed", "7"]
    for fault in FAULTS:
        command += ["--fault", fault]
    done = subprocess.run(
        [*command, "--report", str(report)],
        cwd=checkout(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = report.read_text()
    assert written.startswith("# Audit, seed 7: passed\n")
    for fault in FAULTS:
        assert re.search(rf"^\| {fault} +\| .*? s +\| [1-9]", written, re.MULTILINE), written
    for store in ("node 1", "node 2", "node 3", "redis 1", "redis 2"):
        assert re.search(rf"^\| {store} +\| \d+ → \d+ MB", written, re.MULTILINE), written


def test_a_cluster_s_clean_up_waits_for_nobody_to_ask_after_what_it_has_ended(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with subprocess.Popen(["sleep", str(LIMIT_S)], cwd=folder) as store:
        subprocess.run(
            [sys.executable, "-c", CLEAN_UP, str(folder)],
            stdin=subprocess.DEVNULL,
            timeout=CLEAN_UP_LIMIT_S,  # it waits 20 s for what goes on
            check=True,
        )
        assert store.wait() == -signal.SIGKILL
    assert not folder.exists()
