"""The one sentence: what may be concluded of the arms, and how many requests are missing."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from types import MappingProxyType
from typing import Final

from meshsplit.comparison.comparison import Compared, Comparison, Difference

_BETTER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "errors": "fails less often",
        "p50": "answers faster at p50",
        "p99": "answers faster at p99",
        "cpu": "takes less CPU a record",
    }
)
_UNITS: Final = (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
_NOTHING: Final = 1e-6
"""So small a difference isn't written down as "at least"."""
_CALLED: Final[Mapping[str, str]] = MappingProxyType({"cpu": "CPU a record"})


def tell(comparison: Comparison) -> str:
    """Say in one sentence what may be concluded and what is missing."""
    measures = comparison.measures
    if any(len(measure.readings) < 2 for measure in measures):  # noqa: PLR2004 - two can differ
        return "Requests go to one arm, so there is nothing to compare."
    if not comparison.requests:
        return f"No requests yet; about {missing(comparison):,} are needed to compare errors."
    differing = _differing(measures)
    alike = _alike(measures)
    waiting = [measure for measure in measures if measure.is_open]
    foreseen = [each for each in waiting if each.needed is not None]
    unknown = [_called(each) for each in waiting if each.needed is None and not _is_known(each)]
    close = [_called(each) for each in waiting if each.needed is None and _is_known(each)]
    clauses = list(differing)
    if alike:
        clauses.append(f"no difference {_listed(alike)}")
    if waiting and not clauses:
        clauses.append("no difference shown yet")
    if foreseen:
        clauses.append(f"it takes about {_listed(_needs(foreseen))}")
    if close:
        clauses.append(f"too close to tell: {_listed(close)}")
    if unknown:
        clauses.append(f"nothing known yet of {_listed(unknown)}")
    sentence = "; ".join(clauses)
    return (sentence if differing else sentence[0].upper() + sentence[1:]) + "."


def missing(comparison: Comparison) -> int:
    """Return about how many more requests decide everything of which that can be foreseen."""
    return max((measure.needed or 0 for measure in comparison.measures), default=0)


def _differing(measures: Sequence[Compared]) -> list[str]:
    """Say which arm is better than which other, in what, and by how much at least."""
    better: dict[tuple[str, str], list[str]] = {}
    for measure in measures:
        for each in measure.differences:
            if each.state == "differs":
                names, least = _order(measure, each)
                by = f" (by at least {_amount(least, measure.unit)})" if least > _NOTHING else ""
                better.setdefault(names, []).append(_BETTER[measure.name] + by)
    return [f"{less} {_listed(what)} than {more}" for (less, more), what in better.items()]


def _order(measure: Compared, difference: Difference) -> tuple[tuple[str, str], float]:
    """Return the arm with less and the arm with more, and how far apart they are at least."""
    names = (difference.first, difference.second)
    low, high = difference.interval
    if low is not None and low >= 0:
        return names[::-1], low
    if high is not None and high <= 0:
        return names, -high
    first, second = (measure.readings[name].estimate or 0.0 for name in names)
    return (names[::-1] if first > second else names), 0.0


def _alike(measures: Sequence[Compared]) -> list[str]:
    """Say in what all arms are alike, those with the same margin together."""
    by_margin: dict[str, list[str]] = {}
    for measure in measures:
        if all(each.state == "alike" for each in measure.differences):
            by_margin.setdefault(measure.margin, []).append(_called(measure))
    return [f"in {_listed(names)} (within {margin})" for margin, names in by_margin.items()]


def _amount(number: float, unit: str) -> str:
    return f"{_two_digits(100 * number)} points" if unit == "ratio" else _time(number)


def _time(seconds: float) -> str:
    """Write a duration in the unit a person would use."""
    unit, scale = next((each for each in _UNITS if seconds * each[1] >= 1), _UNITS[-1])
    return f"{_two_digits(seconds * scale)} {unit}"


def _two_digits(number: float) -> str:
    """Write a number rounded down to two digits, or a whole one: it is said of what is at least."""
    decimals = max(0, 1 - floor(log10(number)))
    whole = floor(number * 10**decimals * (1 + 1e-9))  # 0.0075 - 0.005 is a hair below 0.0025
    return f"{whole / 10**decimals:g}"


def _needs(measures: Sequence[Compared]) -> list[str]:
    """Say how many requests are missing for what, the fewest first."""
    by_number: dict[int, list[str]] = {}
    for measure in sorted(measures, key=lambda each: each.needed or 0):
        by_number.setdefault(measure.needed or 0, []).append(_called(measure))
    return [
        f"{number:,}{'' if place else ' more requests to tell'} about {_listed(names)}"
        for place, (number, names) in enumerate(by_number.items())
    ]


def _is_known(measure: Compared) -> bool:
    """Whether each interval says anything: one from nothing to no end, or to all, doesn't."""
    return all(
        reading.of and (reading.interval[0] or reading.interval[1] not in {None, 1.0})
        for reading in measure.readings.values()
    )


def _called(measure: Compared) -> str:
    return _CALLED.get(measure.name, measure.name)


def _listed(items: Sequence[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last
