"""Traffic of arms as their counters would tell it, window by window: for simulations."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, inf
from random import Random

from meshsplit.comparison.counters import Increase

BOUNDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128)
WINDOW_S = 10.0


@dataclass(frozen=True)
class Traffic:
    """What one arm truly is like."""

    requests: int = 250
    """In a window, on average."""
    errors: float = 0.01
    """Which share of requests fails."""
    median_s: float = 0.006
    cpu_s: float = 0.0005
    """For a record."""
    batch: int = 1
    """So many requests, on average, share one fate: as slow, and failing together."""


def window(dice: Random, arms: Mapping[str, Traffic]) -> Increase:
    """Play one window."""
    found = Increase()
    for name, true in arms.items():
        requests = max(1, round(dice.gauss(true.requests, true.requests**0.5)))
        sizes: list[int] = []
        counts, errors, left = [0] * (len(BOUNDS) + 1), 0, requests
        while left:
            size = 1 if true.batch == 1 else max(1, round(dice.expovariate(1 / true.batch)))
            size = min(left, size)
            sizes.append(size)
            counts[bisect_left(BOUNDS, true.median_s * exp(dice.gauss(0, 0.5)))] += size
            errors += size if dice.random() < true.errors else 0
            left -= size
        total = 0
        for bound, count in zip((*BOUNDS, inf), counts, strict=True):
            total += count
            found.within[name, bound] = total
        found.answers[name], found.errors[name] = requests, errors
        process = (f"job of {name}", "one")
        found.records[process, name] = requests
        sizes.sort()
        for bound in (*BATCH_BOUNDS, inf):
            found.batches[process, bound] = bisect_right(sizes, bound)
        found.cpu[process] = requests * true.cpu_s * dice.gauss(1, 0.08)
    return found
