"""A service in development: from a copy of its code, and anew when told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from services.core.reloading import copy_code

SERVICE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with open("starts", "a") as file:
    file.write("one\\n")
while True:
    time.sleep(0.05)
"""


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def wait_for(path: Path, number: int) -> None:
    until = time.monotonic() + 15
    while lines(path) < number and time.monotonic() < until:
        time.sleep(0.05)
    assert lines(path) == number


def test_it_starts_anew_on_sighup_and_ends_on_sigterm(tmp_path: Path) -> None:
    (tmp_path / ".copied").touch()
    (tmp_path / "forever.py").write_text(SERVICE)
    command = [sys.executable, "-m", "services.core.reloading", str(tmp_path), "forever"]
    with subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2]) as process:
        wait_for(tmp_path / "starts", 1)
        os.kill(process.pid, signal.SIGHUP)
        wait_for(tmp_path / "starts", 2)
        process.terminate()
        assert process.wait(15) == 0


def test_what_was_put_into_the_copy_is_kept(tmp_path: Path) -> None:
    code, live = tmp_path / "code", tmp_path / "live"
    (code / "services").mkdir(parents=True)
    live.mkdir()
    (code / "services" / "one.py").write_text("old")
    copy_code(live, code)
    (live / "services" / "one.py").write_text("new")
    copy_code(live, code)
    assert (live / "services" / "one.py").read_text() == "new"
