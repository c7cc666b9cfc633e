"""A short audit of the whole real system."""

import re
import subprocess
import sys
from pathlib import Path

from meshsplit.local.settings import checkout

LIMIT_S = 240
FAULTS = (
    "kill -9 mariadb",
    "COMMIT unanswered",
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
    assert "# Audit, seed 7: passed" in written
    for fault in FAULTS:
        rows = re.findall(rf"^\| {re.escape(fault)}.*? \| .*? s +\| (\d+) ", written, re.MULTILINE)
        assert rows, fault
        assert any(map(int, rows)), f"nothing was acknowledged during {fault}"
    unknown = re.search(r"(\d+) unknown", written)
    assert unknown, written
    assert int(unknown[1]) > 0, "no client was ever left in doubt: that was no trouble"


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
