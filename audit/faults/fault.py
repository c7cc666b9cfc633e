"""A fault: what is done, for how long, and how soon all must be well again."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from audit.clients import Scene
from audit.stack import System

RECOVERY_S = 10.0


@dataclass
class Stage:
    """What a fault is given."""

    system: System
    scene: Scene
    dice: random.Random
    healed_at: float | None = field(default=None, init=False)
    went_on_s: float | None = field(default=None, init=False)
    """How soon every arm stored again while the trouble went on, where that was asked."""
    both: bool | None = field(default=None, init=False)
    """Of two faults at once: whether both had an effect."""

    def heals(self) -> None:
        """Say that the trouble is over: from here on the time to recover counts.

        Without it, that is when the fault ends. What is killed heals by itself from the kill on.
        """
        self.healed_at = time.monotonic()


class Impossible(Exception):  # noqa: N818  # a state of the machine, not of the system
    """The machine doesn't allow the fault; says what would."""


class Wrong(Exception):  # noqa: N818  # a finding, as its sibling is none
    """The system did what it must not, whatever else happens at the time."""


@dataclass(frozen=True)
class Fault:
    """One thing that happens."""

    name: str
    run: Callable[[Stage], Awaitable[str | None]]
    """Does it, waits and undoes it; says what is missing when it had no effect.

    Raises Impossible and Wrong.
    """
    within_s: float = RECOVERY_S
    """The bound for the recovery, in seconds."""
    of_link: bool = False
    """Whether it is done to a connection alone, so that anything else may happen beside it."""
    harmless: bool = False
    """Whether no request may fail for it; not asked when another happens beside it."""
