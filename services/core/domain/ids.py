"""UUIDv7 (RFC 9562): ids that sort by the time they were made, so that inserts stay local."""

import os
import time
from struct import Struct
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANDOM_BITS = 74
_STEP = Struct(">I")
_STEPS_AT_ONCE = 1024
"""Asking the system for a few bytes costs as much as asking for some thousand."""
_RAND_B_BITS = 62
_RAND_B_MASK = (1 << _RAND_B_BITS) - 1
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62


class IdMaker:
    """Makes UUIDv7 that never go backwards within one maker (RFC 9562, section 6.2, method 2).

    Within a millisecond, and when the clock steps back, the random part counts up by a random
    step; should it run over, the millisecond is taken from the future.
    """

    __slots__ = ("_millisecond", "_random", "_steps")

    def __init__(self) -> None:
        self._millisecond = 0
        self._random = 0
        self._steps: Iterator[tuple[int, ...]] = iter(())

    def new(self) -> UUID:
        """Make the next id."""
        now = time.time_ns() // 1_000_000
        if now > self._millisecond:
            self._millisecond = now
            self._random = int.from_bytes(os.urandom(9))  # 72 of 74 bits: room to count up
        else:
            self._random += self._step() + 1
            if self._random >> _RANDOM_BITS:
                self._millisecond += 1
                self._random = int.from_bytes(os.urandom(9))
        random = self._random
        return UUID(
            int=self._millisecond << 80
            | (random >> _RAND_B_BITS) << 64
            | (random & _RAND_B_MASK)
            | _VERSION_AND_VARIANT
        )

    def _step(self) -> int:
        step = next(self._steps, None)
        if step is None:
            self._steps = _STEP.iter_unpack(os.urandom(_STEP.size * _STEPS_AT_ONCE))
            step = next(self._steps)
        return int(step[0])
