"""What was asked of the figures, held against what was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from bench.cases import BOTH
from bench.measured import APART, Measured, Middle
from bench.recovery import Overload

Cases = Mapping[str, Sequence[Measured]]
"""The runs that count, by case."""
Figures = Callable[[Cases], list[float]]
"""What they say of something; empty: nothing."""


@dataclass(frozen=True)
class Asked:
    """A figure, and what the median of it should keep within."""

    what: str
    figures: Figures
    most: float = inf
    least: float = -inf

    def met(self, cases: Cases) -> bool | None:
        """Whether it does; None: no run says so."""
        figures = self.figures(cases)
        return self.least <= Middle.of(figures).value <= self.most if figures else None

    def row(self, cases: Cases) -> tuple[str, ...] | None:
        """Show what was asked, what was measured, and whether it is met; None: no run says so."""
        met = self.met(cases)
        if met is None:
            return None
        bound = f"at least {self.least:g}" if self.most == inf else f"at most {self.most:g}"
        return self.what, bound, str(Middle.of(self.figures(cases))), "yes" if met else "NO"


def rate(run: Measured) -> float:
    """Give a run's answers a second."""
    return run.per_second


def p50(run: Measured) -> float:
    """Give a run's median time of an answer, in milliseconds."""
    return run.p50_ms


def ratios(cases: Cases, name: str, over: str, of: Callable[[Measured], float]) -> list[float]:
    """Divide a case's figures by another's, round by round of one sitting."""
    base = {(run.sitting, run.round): of(run) for run in cases.get(over, [])}
    pairs = [(of(run), base.get((run.sitting, run.round))) for run in cases.get(name, [])]
    return [mine / other for mine, other in pairs if other is not None]


def rows(cases: Cases) -> list[tuple[str, ...]]:
    """Show all of which there are runs."""
    return [row for asked in ASKED if (row := asked.row(cases)) is not None]


def _services_over_gateway(name: str) -> Figures:
    def figures(cases: Cases) -> list[float]:
        found = [run.services_over_gateway for run in cases.get(name, [])]
        return [ratio for ratio in found if ratio is not None]

    return figures


def _overloaded(name: str, figure: Callable[[Measured, Overload], float]) -> Figures:
    return lambda cases: [
        figure(run, run.overload) for run in cases.get(name, []) if run.overload is not None
    ]


def _accepted(run: Measured, overload: Overload) -> float:
    return 100 * run.per_second / overload.peak


def _grown(_: Measured, overload: Overload) -> float:
    held = [pair for name, pair in overload.resident_mb.items() if name not in APART]
    return sum(most for _, most in held) / sum(before for before, _ in held)


def _normal(_: Measured, overload: Overload) -> float:
    return inf if overload.normal_s is None else overload.normal_s


def _above(name: str, what: str, accepted: float) -> tuple[Asked, ...]:
    return (
        Asked(f"{what}: accepted, % of the peak", _overloaded(name, _accepted), least=accepted),
        Asked(
            f"{what}: p99 of the accepted, ms",
            _overloaded(name, lambda run, _: run.p99_ms),
            most=P99_MOST_MS,
        ),
        Asked(f"{what}: memory, times that before", _overloaded(name, _grown), most=GROWN_MOST),
        Asked(f"{what}: back to normal after, s", _overloaded(name, _normal), most=5),
    )


P99_MOST_MS: Final = 2_000
"""What was asked is that it has a bound; this is ours: a client's usual patience."""
GROWN_MOST: Final = 1.1
"""The same, of what all processes hold together."""
ASKED: Final = (
    Asked("S/E at 64 connections", _services_over_gateway("even-64"), most=1.4),
    Asked("S/E at 256 connections", _services_over_gateway("even-256"), most=1.0),
    Asked(
        "throughput at 64 connections, times the plain version's",
        lambda cases: ratios(cases, "even-64", BOTH, rate),
        least=4,
    ),
    Asked(
        "p50 at a tenth of saturation, times the unbatched path's",
        lambda cases: ratios(cases, "at-10%", "unbatched-at-10%", p50),
        most=1.3,
    ),
    *_above("overload-1024", "closed loop, four times the connections", 90),
    *_above("flood", "open loop, twice saturation", 40),
)
"""All that is asked of what `make bench` measures; the reader's and the start's are aims.py's."""
