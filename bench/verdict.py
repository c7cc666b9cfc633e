"""When a run is void: its figures are not to be believed, whatever they are."""

from collections.abc import Collection, Mapping

from bench.counts import Counts
from bench.histogram import Histogram
from bench.orders import Report

GENERATOR_MOST = 0.6
"""Of one core: a closed loop's generator that uses more may have been the limit."""
LAG_OF_MEDIAN, LAG_OF_TAIL = 0.1, 0.5
"""In an open loop, the generator's own lateness is in what it measured: the median of it may be a
tenth of the measured median, its p99 half of the measured p99."""
HELD = 0.99
"""Least share of an open loop's rate that must have been sent."""
_LIMIT = "the generator was the limit"
ENOUGH = 100
"""Fewer answers than this say nothing."""


def why_void(
    report: Report,
    stored: Counts,
    *,
    expected: Collection[str],
    storing: Mapping[str, int],
    projected: str,
    rate: float | None = None,
) -> list[str]:
    """Say everything that makes a run void; nothing: it counts.

    Args:
        report: what the load generator saw.
        stored: what MySQL and Redis have more than before.
        expected: the answers that are right, such as "201 fastapi".
        storing: records acknowledged, by arm; each must be a row.
        projected: the arm whose records Redis holds.
        rate: what an open loop was to send a second.

    """
    reasons = []
    wrong = {name: n for name, n in report.answers.items() if name not in expected}
    reasons += [f"{n} answers of {name!r}" for name, n in sorted(wrong.items())]
    if report.unanswered:
        reasons.append(f"{report.unanswered} unanswered: {'; '.join(report.wrong)}")
    reasons += [
        f"{arm or 'no arm'}: {acknowledged} acknowledged, {rows} more rows in MySQL"
        for arm in sorted({*storing, *stored.rows})
        if (acknowledged := storing.get(arm, 0)) != (rows := stored.rows.get(arm, 0))
    ]
    if stored.live != storing.get(projected, 0):
        reasons.append(
            f"{projected}: {storing.get(projected, 0)} acknowledged, "
            f"{stored.live} more records in Redis"
        )
    if sum(report.measured.values()) < ENOUGH:
        reasons.append(f"fewer than {ENOUGH} answers")
    return reasons + _generator_was_the_limit(report, rate)


def _generator_was_the_limit(report: Report, rate: float | None) -> list[str]:
    if rate is None:
        share = report.cpu_s / report.wall_s
        return [f"{_LIMIT}: it used {share:.0%} of a core"] if share > GENERATOR_MOST else []
    reasons = []
    lag, latency = Histogram(report.lag), Histogram(report.latency)
    for share, most, name in ((0.5, LAG_OF_MEDIAN, "median"), (0.99, LAG_OF_TAIL, "p99")):
        late, seen = lag.quantile(share), latency.quantile(share)
        if late > most * seen:
            reasons.append(
                f"{_LIMIT}: the {name} of its own lateness is {late / 1e6:.2f} ms, "
                f"of what it measured {seen / 1e6:.2f} ms"
            )
    if report.scheduled < HELD * rate * report.wall_s:
        sent = report.scheduled / report.wall_s
        reasons.append(f"{_LIMIT}: it sent {sent:.0f} a second, not {rate:.0f}")
    return reasons
