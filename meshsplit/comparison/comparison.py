"""All arms compared by all measures, with one error rate for everything that is said.

Every interval of an arm is right at every look, all of them at once, with probability 1 - alpha;
and so is, apart from these, everything that is said of a difference. Each arm and measure has its
part of the first alpha, each pair and measure of the second (Bonferroni), so more arms need more
requests and don't make more false alarms.
"""

from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import Final

from meshsplit.comparison.evidence import ArmEvidence, Count, Evidence
from meshsplit.comparison.measures import (
    LEAST_WINDOWS,
    MEASURES,
    Bounds,
    Measure,
    Reading,
    State,
    needed_factor,
)

ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """How two arms differ in one measure."""

    first: str
    second: str
    interval: Bounds
    """The first's value less the second's."""
    state: State


@dataclass(frozen=True, slots=True)
class Compared:
    """All arms in one measure."""

    name: str
    unit: str
    margin: str
    readings: dict[str, Reading]
    differences: list[Difference]
    needed: int | None
    """About how many more requests decide what is open, if all goes on as so far; None if that
    can't be foreseen."""

    @property
    def is_open(self) -> bool:
        """Whether a pair is neither known to differ nor to be alike."""
        return any(each.state == "open" for each in self.differences)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything, as of one look."""

    confidence: float
    requests: int
    measures: list[Compared]


def compare(known: Evidence, alpha: float = ALPHA) -> Comparison:
    """Compare arms by what is known of them."""
    requests = sum(requests_of(arm) for arm in known.arms.values())
    measures = [_compared(measure, known, requests, alpha) for measure in MEASURES]
    return Comparison(1 - alpha, round(requests), measures)


def requests_of(arm: ArmEvidence) -> float:
    """Return how many requests of an arm something is known of."""
    return max(arm.errors.of, arm.timed)


def _compared(measure: Measure, known: Evidence, requests: float, alpha: float) -> Compared:
    pairs = list(combinations(known.arms, 2))
    each_arm = alpha / (len(MEASURES) * max(1, len(known.arms)))
    each_pair = alpha / (len(MEASURES) * max(1, len(pairs)))
    states = {pair: measure.state(known, pair, each_pair) for pair in pairs}
    open_pairs = [pair for pair, state in states.items() if state == "open"]

    def decided(factor: float) -> bool:
        return all(measure.state(known, pair, each_pair, factor) != "open" for pair in open_pairs)

    needed: int | None = 0
    if open_pairs:
        if not requests:
            return _nothing_yet(measure, known, alpha)
        factor = needed_factor(decided)
        needed = None if factor is None else _rounded((factor - 1) * requests)
    return Compared(
        measure.name,
        measure.unit,
        measure.margin,
        {name: measure.reading(arm, each_arm) for name, arm in known.arms.items()},
        [
            Difference(*pair, measure.difference(known, pair, each_pair), state)
            for pair, state in states.items()
        ],
        needed,
    )


def _nothing_yet(measure: Measure, known: Evidence, alpha: float) -> Compared:
    """Say what it would take if no request failed; of times and costs nothing can be foreseen."""
    pairs = list(combinations(known.arms, 2))
    needed: int | None = None
    if measure.name == "errors":
        flawless = Evidence.of(list(known.arms))
        for arm in flawless.arms.values():
            arm.errors, arm.answered_windows = Count(of=100.0), LEAST_WINDOWS
        each_pair = alpha / (len(MEASURES) * len(pairs))
        factor = needed_factor(
            lambda factor: all(
                measure.state(flawless, pair, each_pair, factor) != "open" for pair in pairs
            )
        )
        needed = None if factor is None else _rounded(factor * 100 * len(known.arms))
    return Compared(
        measure.name,
        measure.unit,
        measure.margin,
        {name: Reading(None, (None, None), 0) for name in known.arms},
        [Difference(*pair, (None, None), "open") for pair in pairs],
        needed,
    )


def _rounded(number: float) -> int:
    """Round up to two digits: more would pretend to know."""
    whole = ceil(number)
    step = int(10 ** max(0, len(str(whole)) - 2))
    return ceil(whole / step) * step
