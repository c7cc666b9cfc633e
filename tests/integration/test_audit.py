"""A short audit of the whole real system."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from meshsplit.local.places import Places, places
from meshsplit.local.run import leftovers
from meshsplit.local.settings import checkout

LIMIT_S = 240
FAULTS = (
    "kill -9 mariadb",
    "COMMIT unanswered",
    "EVALSHA unanswered",
    "cut: gateway to",
    "black hole: bridge to recorder",
    "Redis emptied",
)


def test_a_system_in_trouble_loses_and_doubles_nothing(tmp_path: Path) -> None:
    report = tmp_path / "audit.md"
    command = [sys.executable, "-m", "audit", "--seed", "7", "--report", str(report)]
    for fault in FAULTS:
        command += ["--fault", fault]
    done = subprocess.run(
        command, cwd=checkout(), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = report.read_text()
    assert written.startswith("# Audit, seed 7: passed\n")
    for fault in FAULTS:
        rows = re.findall(rf"^\| {re.escape(fault)}.*? \| .*? s +\| (\d+) ", written, re.MULTILINE)
        assert rows, fault
        assert any(map(int, rows)), f"nothing was acknowledged during {fault}"
    unknown = re.search(r"(\d+) unknown", written)
    assert unknown, written
    assert int(unknown[1]) > 0, "no client was ever left in doubt: that was no trouble"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_audit_that_is_ended_leaves_no_process_no_file_and_no_mount(
    number: signal.Signals,
) -> None:
    command = [sys.executable, "-m", "audit", "--seed", "1", "--fault", "SIGSTOP mariadb"]
    with subprocess.Popen(command, cwd=checkout(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        logs = next(line for line in running.stdout if line.startswith("logs, "))
        here = places(Path(logs.rpartition(": ")[2].strip()).parent)
        assert "SIGSTOP mariadb" in running.stdout.readline()
        assert leftovers(here) != []
        running.send_signal(number)
        running.wait(LIMIT_S)
    deadline = time.monotonic() + LIMIT_S
    while what_is_left(here):
        assert time.monotonic() < deadline, what_is_left(here)
        time.sleep(0.5)


def what_is_left(here: Places) -> list[object]:
    mounts = [part.mountpoint for part in psutil.disk_partitions(all=True)]
    return [
        *leftovers(here),
        *(folder for folder in (here.state, here.data) if folder.exists()),
        *(mount for mount in mounts if Path(mount).is_relative_to(here.data)),
    ]


def test_a_fault_that_there_is_not_is_named_beside_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "audit", "--fault", "locusts"],
        cwd=checkout(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "locusts" in done.stderr
    assert "deadlocks" in done.stderr
