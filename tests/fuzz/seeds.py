"""The seeds of a run: those that once found something, and one of its own."""

import os
import random
from pathlib import Path

import pytest

_VARIABLE = "MESHSPLIT_FUZZ_SEED"
_KEPT = Path(__file__).with_name("seeds.txt")


def pytest_configure() -> None:
    """Choose this run's own seed, unless one is given; pytest's workers are given it."""
    os.environ[_VARIABLE] = str(own_seed() or random.SystemRandom().randrange(1, 1 << 32))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the seed, also of a run that passed: what it drew can be drawn again."""
    reports = (report for several in terminalreporter.stats.values() for report in several)
    if any(getattr(report, "nodeid", "").startswith("tests/fuzz/") for report in reports):
        terminalreporter.write_line(f"fuzz: {_VARIABLE}={own_seed()} draws the same again")


def own_seed() -> int:
    """Return the seed of this run; 0 before pytest has begun, if none is given."""
    return int(os.environ.get(_VARIABLE, "0"))


def kept_seeds() -> list[int]:
    """Read the seeds that once found something."""
    lines = _KEPT.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def shared_out(tries: int, *, kept: int) -> list[tuple[random.Random, int]]:
    """Give dice for a number of tries: some for each seed that was kept, then this run's own."""
    each = [(random.Random(seed), kept) for seed in kept_seeds()]
    return [*each, (random.Random(own_seed()), max(0, tries - kept * len(each)))]
