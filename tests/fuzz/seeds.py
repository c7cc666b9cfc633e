"""The seeds of a run: those that once found something, and one of its own."""

import os
import random
from pathlib import Path

SEED = int(os.environ.get("MESHSPLIT_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
"""This run's own; pytest's summary names it."""
_KEPT = Path(__file__).with_name("seeds.txt")


def kept_seeds() -> list[int]:
    """Read the seeds that once found something."""
    lines = _KEPT.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]
