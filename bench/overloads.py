"""Runs above saturation, told: what became of what was sent, and of the system."""

from collections.abc import Iterator, Sequence

from bench.measured import APART, Measured, Middle, shown
from bench.recovery import AFTER_S, SLICE_S, SLOWER, Overload

HEAD = (
    "run",
    "accepted, % of the peak",
    "refused with Retry-After, % of answers",
    "not answered in time, %",
    "p99 of the accepted, ms",
    "back to normal after, s",
)


def rows(cases: dict[str, list[Measured]]) -> Iterator[tuple[str, ...]]:
    """Give a row for each case above saturation, as it is shown."""
    for case, runs in cases.items():
        found = [(run, run.overload) for run in runs if run.overload is not None]
        if found:
            yield case, *_figures(found)


def words(cases: dict[str, list[Measured]]) -> Iterator[str]:
    """Write the part of the page that tells of them."""
    table = list(rows(cases))
    if not table:
        return
    yield f"""\
## Above saturation

Before and after each of these, a tenth of saturation is sent over connections of its own. Normal
is: for a second, everything is stored, and in every {SLICE_S:g} s neither p50 nor p99 is above
{SLOWER:g} times the highest before; it is looked for during {AFTER_S:g} s after the load's end. The
peak is what 256 connections gave, right before and right after: the middle of the two. An open
loop's requests wait for one of its connections, and that time counts; what still waits when the
load ends is given up. Not answered in time is what was due in the time that counts and had no
answer at its end.

| {" | ".join(HEAD)} |
|{"---|" * len(HEAD)}"""
    for row in table:
        yield f"| {' | '.join(row)} |"
    yield ""
    for case, runs in cases.items():
        if (held := _memory(runs)) is not None:
            yield f"Resident memory before and at most in the last run of `{case}`, in MB: {held}."
            yield ""


def _figures(runs: Sequence[tuple[Measured, Overload]]) -> tuple[str, ...]:
    accepted = [100 * run.per_second / overload.peak for run, overload in runs]
    refused = [100 * run.refused / (run.answers + run.refused) for run, _ in runs]
    late = [100 * o.unanswered for _, o in runs if o.unanswered is not None]
    return (
        str(Middle.of(accepted)),
        str(Middle.of(refused)),
        str(Middle.of(late)) if late else "",
        str(Middle.of([run.p99_ms for run, _ in runs])),
        _normal([overload.normal_s for _, overload in runs]),
    )


def _normal(times: Sequence[float | None]) -> str:
    known = [time for time in times if time is not None]
    never = f"{len(times) - len(known)} of {len(times)} runs not within {AFTER_S:g} s"
    if not known:
        return never
    told = str(Middle.of(known))
    return told if len(known) == len(times) else f"{told}; {never}"


def _memory(runs: Sequence[Measured]) -> str | None:
    overload = next((run.overload for run in reversed(runs) if run.overload is not None), None)
    if overload is None:
        return None
    held = sorted(overload.resident_mb.items(), key=lambda pair: -pair[1][1])
    return ", ".join(
        f"{name} {shown(before)} and {shown(most)}"
        for name, (before, most) in held
        if name not in APART
    )
