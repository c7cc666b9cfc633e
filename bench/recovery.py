"""What an overload did to those who sent it, and how long the system took to be as before."""

from collections.abc import Sequence

import msgspec

from bench.orders import Slice

CALM_S = 3.0
"""Of the calm load before; its first second isn't looked at: connections are new."""
AFTER_S = 8.0
SLICE_S = 0.25
SLOWER = 1.5
"""Normal is at most this many times the slowest slice before."""
STEADY = 4
"""Slices in a row that must be normal: a second."""
_SETTLING_S = 1.0


class Overload(msgspec.Struct, frozen=True):
    """What a run above saturation has besides."""

    unanswered: float | None
    """The share of what was due in the time that counts and not answered in it; None: a closed
    loop, in which nothing is due."""
    normal_s: float | None
    """From the end of the load until the calm load was served as before; None: it never was."""
    resident_mb: dict[str, tuple[float, float]]
    """Each process's resident memory: before, and the most it was seen to have."""
    peak: float = 0.0
    """Records a second at the most connections that saturate, in the same round."""


def unanswered(scheduled: int, in_time: int) -> float | None:
    """Give the share of what was due that was not answered in time; None: nothing was due."""
    return 1 - in_time / scheduled if scheduled else None


def normal_after(slices: Sequence[Slice]) -> float | None:
    """Say how long after the load the calm load was stored whole, and as fast as before.

    It is the beginning of the first second in which every slice is normal.
    """
    first = min((each.begins_s for each in slices), default=0.0) + _SETTLING_S
    before = [each for each in slices if first <= each.begins_s < 0 and each.stored]
    after = [each for each in slices if each.begins_s >= 0]
    if not before:
        return None
    p50 = SLOWER * max(each.p50_ms for each in before)
    p99 = SLOWER * max(each.p99_ms for each in before)
    normal = [each.spared and each.p50_ms <= p50 and each.p99_ms <= p99 for each in after]
    for place in range(len(after) - STEADY + 1):
        if all(normal[place : place + STEADY]):
            return after[place].begins_s
    return None
