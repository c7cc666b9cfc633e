"""The command line's own options; locust shows them on its page too."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from locust.argument_parser import LocustArgumentParser

SAMPLE = Path(__file__).with_name("sample.json")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, checked."""

    data: Path
    mode: str
    keys: bool
    run_name: str
    rate: float
    count: int
    part: int
    parts: int
    attempts: int
    arms: frozenset[str]
    report: Path | None

    @classmethod
    def of(cls, parsed: Namespace) -> Options:
        """Check what the command line or locust's page gave.

        Raises:
            ValueError: an option makes no sense; the message names it.
        """
        part, slash, parts = str(parsed.part).partition("/")
        if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            raise ValueError(f"--part {parsed.part}: expected K/N with K from 1 to N, as in 1/4")
        # the page gives what it shows: text for numbers it was not told are numbers
        keys = str(parsed.keys).lower() not in {"false", "0", ""}
        options = cls(
            data=Path(parsed.data or SAMPLE),
            mode=parsed.mode,
            keys=keys,
            run_name=parsed.run_name or "",
            rate=float(parsed.rate),
            count=int(parsed.count),
            part=int(part),
            parts=int(parts),
            attempts=int(parsed.attempts),
            arms=frozenset(name.strip() for name in parsed.arms.split(",") if name.strip()),
            report=Path(parsed.report) if parsed.report else None,
        )
        if options.rate < 0 or options.count < 0 or options.attempts < 1:
            raise ValueError("--rate and --count must not be negative, --attempts at least 1")
        return options


def asks_for_several_processes(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Tell whether locust is about to fork, or to wait for others."""
    words = {argument.partition("=")[0] for argument in arguments}
    names = ("processes", "master", "worker")
    return any(f"--{name}" in words or f"LOCUST_{name.upper()}" in environment for name in names)


def add_options(parser: LocustArgumentParser) -> None:
    """Add the options to locust's."""
    add = parser.add_argument  # locust shows only what is added to the parser itself
    add(
        "--data",
        default=str(SAMPLE),
        metavar="FILE",
        help="a JSON array of records",
        include_in_web_ui=False,  # as --report
    )
    add(
        "--mode",
        choices=["once", "steady"],
        default="steady",
        help="once: each record once, then stop; steady: over and over (default)",
    )
    add(
        "--keys",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="send an Idempotency-Key with each record, and repeat one of unknown outcome",
    )
    add("--rate", type=float, default=0, help="records a second by each user; 0: all it can")
    add("--count", type=int, default=0, help="stop after this many records; 0: no limit")
    add("--part", default="1/1", metavar="K/N", help="send only every N-th record, from the K-th")
    add("--attempts", type=int, default=30, help="how often one record is tried at most")
    add("--run-name", default="", help="makes the keys; the same name repeats a run's records")
    add("--arms", default="", help="arms that may answer, by comma; empty: ask /api/v1/split")
    add(
        "--metrics-port",
        type=int,
        default=0,
        help="where /metrics is for Prometheus in a run without locust's page; 0: nowhere",
        include_in_web_ui=False,
    )
    add(
        "--report",
        default="",
        metavar="FILE",
        help="write what became of each record as JSON",
        # a page that can be reached from a browser shouldn't read and write files
        include_in_web_ui=False,
    )
