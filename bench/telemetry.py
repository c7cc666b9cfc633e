"""What telemetry costs: the same load with none of it, with metrics, and with more and more traces.

Prometheus rests while nothing is counted, and the gateway traces as the mesh's Telemetry then says.
What takes spans in (a collector's work) isn't counted, nor is Prometheus: both may be elsewhere.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Final, NamedTuple

from bench.measured import GATEWAY, WRITERS, Measured

OTLP: Final = "MESHSPLIT_OTLP_ENDPOINT"
OFF: Final = "telemetry off"
_T: Final = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t for 95 %, for two pairs and so on; with more than ten it is a bit wide."""
_RATE: Final = re.compile(
    r"^      (randomSamplingPercentage|disableSpanReporting): .*$", re.MULTILINE
)


class Told(NamedTuple):
    """What the services are told."""

    metrics: bool
    traces: bool


@dataclass(frozen=True)
class Level:
    """How much of telemetry there is."""

    metrics: bool
    percent: int | None
    """Of requests that are traced, from the gateway on; None: tracing is off everywhere."""

    @property
    def services(self) -> Told:
        """What the services are told; how many are traced is the gateway's affair."""
        return Told(self.metrics, self.percent is not None)


LEVELS: Final[Mapping[str, Level]] = {
    OFF: Level(metrics=False, percent=None),
    "metrics": Level(metrics=True, percent=None),
    "metrics, 1% traced": Level(metrics=True, percent=1),
    "metrics, 10% traced": Level(metrics=True, percent=10),
    "metrics, all traced": Level(metrics=True, percent=100),
}


def in_turn(number: int) -> list[str]:
    """Give the levels in the order of a round; each is at each place equally often."""
    names = list(LEVELS)
    place = number % len(names)
    return names[place:] + names[:place]


def write_rate(mesh: Path, percent: int | None) -> None:
    """Have the mesh's Telemetry ask for a share of traces, or for none at all.

    Raises:
        ValueError: its file hasn't the one rate that is to be changed.

    """
    path = mesh / "telemetry" / "traces.yaml"
    off = "disableSpanReporting: true"
    says = off if percent is None else f"randomSamplingPercentage: {percent}"
    text, changed = _RATE.subn(f"      {says}", path.read_text())
    if changed != 1:
        raise ValueError(f"{path} has not one rate")
    path.write_text(text)


def cost(run: Measured) -> float:
    """Give the CPU of the gateway and of the services for a record, in microseconds."""
    return sum(run.cpu_us.get(name, 0.0) for name in (GATEWAY, *WRITERS))


@dataclass(frozen=True)
class Overhead:
    """What a level costs more than none, as shares, with the interval that holds it at 95 %."""

    share: float
    least: float
    most: float
    pairs: int

    def __str__(self) -> str:
        """Show it in per cent."""
        return f"{self.share:+.1%} ({self.least:+.1%} to {self.most:+.1%})"


def overhead(without: Sequence[Measured], with_it: Sequence[Measured]) -> Overhead | None:
    """Compare runs pair by pair, each pair of one round; None: there are fewer than two."""
    base = {(run.sitting, run.round): cost(run) for run in without}
    pairs = [(cost(run), base.get((run.sitting, run.round))) for run in with_it]
    logs = [log(mine / other) for mine, other in pairs if other is not None]
    if len(logs) < 2:  # noqa: PLR2004 - of one there is no spread
        return None
    t = _T[min(len(logs) - 2, len(_T) - 1)]
    middle, half = fmean(logs), t * stdev(logs) / sqrt(len(logs))
    return Overhead(exp(middle) - 1, exp(middle - half) - 1, exp(middle + half) - 1, len(logs))


def overheads(cases: Mapping[str, Sequence[Measured]]) -> Iterator[tuple[str, Overhead]]:
    """Give each level's cost over none."""
    for name in LEVELS:
        if name != OFF and name in cases and OFF in cases:
            found = overhead(cases[OFF], cases[name])
            if found is not None:
                yield name, found
