"""What the design aims at, and figures held against it: a machine decides, none is a verdict."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Aim:
    """A bound that a figure should stay below."""

    below: float
    unit: str

    def held(self, figure: float) -> str:
        """Tell the figure, the aim, and whether it is met."""
        met = "met" if figure < self.below else "NOT MET"
        return f"{figure:.1f} {self.unit} (aim: below {self.below:g}, {met})"


ANSWER_P99: Final = Aim(25, "ms")
"""Of each endpoint, while 1,000 records a second are written."""
LIVE_P99: Final = Aim(300, "ms")
"""From an acknowledgement to the last of 1,000 live clients."""
CLIENT: Final = Aim(45, "KiB")
"""Of the reporter's memory, for each live client."""
REDIS_RECORD: Final = Aim(250, "bytes")
"""Of Redis' memory, for each record that it holds."""
AFTER_SAMPLE: Final = Aim(700, "MB")
"""All of `make up` with the sample's records, without locust and Grafana."""
FIRST_RECORD: Final = Aim(12, "s")
"""From `make up`, everything installed, to the first record that is stored."""
