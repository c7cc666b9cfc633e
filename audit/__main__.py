"""``python -m audit``: trouble a system, and say whether anything was lost or doubled."""

import argparse
import asyncio
import math
import secrets
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from audit.cluster import Stores, stores_of
from audit.nemesis import Row
from audit.report import line, markdown
from audit.run import Plan, audit
from audit.stack import prepared
from meshsplit.local.settings import checkout

LONG_MINUTES = 60.0
DISK_MB, DISK_MB_A_MINUTE = 512, 50
WRONG_OPTION = 2
WIDTHS = (36, 9, 13, 8, 8, 13, 6)


def main() -> int:
    """Run the command; the status is 1 when anything is wrong."""
    parsed = _options().parse_args()
    seed = secrets.randbelow(10**6) if parsed.seed is None else parsed.seed
    minutes = parsed.minutes or (LONG_MINUTES if parsed.long else math.inf)
    room = DISK_MB + (DISK_MB_A_MINUTE * int(minutes) if parsed.long else 0)
    plan = Plan(
        seed=seed,
        seconds=minutes * 60,
        wanted=parsed.fault,
        unwanted=parsed.without,
        again=parsed.long,
        rate=parsed.rate,
    )
    say(f"seed {seed}: `{command(sys.argv[1:], seed)}` has the same schedule")
    with prepared(disk_mb=room) as (run, disk), _stores(parsed.stores) as stores:
        say(f"logs, until it ends: {run.here.logs}")
        try:
            verdict = asyncio.run(audit(run, disk, plan, tell, stores))
        except LookupError as error:
            sys.stderr.write(f"{error}\n")
            return WRONG_OPTION
        if not verdict.passed:
            logs = parsed.report.with_suffix(".logs")
            shutil.copytree(run.here.logs, logs, dirs_exist_ok=True)
            say(f"the services' logs are in {logs}")
    text = markdown(verdict)
    parsed.report.parent.mkdir(parents=True, exist_ok=True)
    parsed.report.write_text(text, encoding="utf-8")
    say(f"\n{text}\nwritten to {parsed.report}")
    return 0 if verdict.passed else 1


def command(given: Sequence[str], seed: int) -> str:
    """Write what repeats a run: its own options, which make the schedule as the seed does."""
    again = _options().parse_args(given).seed is not None
    return shlex.join(["python", "-m", "audit", *given, *([] if again else ["--seed", str(seed)])])


def _stores(wanted: str) -> AbstractContextManager[Stores | None]:
    return stores_of() if wanted == "cluster" else nullcontext()


def tell(row: Row) -> None:
    """Say how a fault went as soon as it is over."""
    cells = line(row)
    say("  ".join(text.ljust(width) for text, width in zip(cells, WIDTHS, strict=True)).rstrip())
    if row.complaint:
        say(f"    {row.complaint}")


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the schedule; by default a new one")
    parser.add_argument("--minutes", type=float, help="no new fault begins after so many")
    parser.add_argument("--long", action="store_true", help="an hour of faults, again and again")
    parser.add_argument("--fault", action="append", default=[], help="part of a fault's name")
    parser.add_argument("--without", action="append", default=[], help="part of one to leave out")
    parser.add_argument(
        "--stores",
        choices=("one", "cluster"),
        default="one",
        help="one MariaDB and one Redis, or Galera's three nodes and Redis with Sentinels",
    )
    parser.add_argument("--rate", type=float, default=150.0, help="records a second")
    parser.add_argument("--report", type=Path, default=checkout() / ".local" / "audit.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
