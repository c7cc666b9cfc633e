"""A question to Prometheus: how it is worded, and how it is asked of a window or of one part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW: Final = "30s"


@dataclass(frozen=True)
class Query:
    """A question to Prometheus."""

    answers: str
    unit: str
    promql: str
    traffic: bool = False
    """Whether it has series only once there was traffic."""

    def over(self, window: str = WINDOW) -> str:
        """Return the PromQL for a window such as ``30s``."""
        return self.promql.replace("{window}", window)

    def only(self, label: str, value: str, window: str = WINDOW) -> str:
        """Return the PromQL for those of its series that have one value of a label."""
        chosen = f'label_replace(vector(1), "{label}", "{value}", "", "")'
        return f"({self.over(window)}) and on ({label}) {chosen}"
