"""How the installer talks: a line for each step, a question, a failure that says what to do."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 25


class InstallError(Exception):
    """A step failed; the message says what to do about it."""


def say(text: str) -> None:
    """Print one progress line at once."""
    print(f"  {text}", flush=True)


def agreed(question: str) -> bool:
    """Ask; YES=1 answers, and so does a run in CI or without a terminal."""
    if os.environ.get("YES") == "1" or os.environ.get("CI") or not sys.stdin.isatty():
        return True
    return input(f"  {question} [Y/n] ").strip().lower() in {"", "y", "yes"}


def run(
    what: str,
    command: Sequence[str],
    log: Path,
    advice: str,
    *,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Run a step's command with its output in a log.

    Raises InstallError with the log's end and the advice when it fails or outlasts its limit.
    """
    say(f"{what} …")
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        written = out.tell()
        print("$", *command, file=out, flush=True)
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(os.environ, **(environment or {})),
                cwd=folder,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InstallError(
                f"{what}: not done after {limit_s:.0f} s. {advice} Log: {log}"
            ) from None
    if done.returncode != 0:
        with log.open(errors="replace") as read:
            read.seek(written)
            tail = "\n".join(read.read().splitlines()[-TAIL_LINES:])
        raise InstallError(f"{what}: failed.\n{tail}\n{advice} Log: {log}")
    say(f"{what}: done ({time.monotonic() - began:.0f} s)")
