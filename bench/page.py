"""The page of results, made from what was measured."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench import asked, overloads, verdict
from bench.asked import p50, rate, ratios
from bench.cases import BARE, BOTH, BOTH_MANY, CASES, WHOLE
from bench.measured import APART, OTHERS_MOST, Measured, Middle
from bench.results import Results, batch_sizes, figures, waterfall
from bench.telemetry import overheads

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = (
    "run",
    "runs",
    "answers a second",
    "S/E",
    "CPU µs an answer",
    "p50, ms",
    "p99, ms",
    "idle, %",
)


def render(results: Results) -> str:
    """Write the page, its cases in their order, whichever were measured last."""
    known = [run for case in CASES.values() for run in case.runs]
    places = {run: place for place, run in enumerate(known)}
    runs = sorted(results.runs, key=lambda run: places.get(run.case, len(known)))
    results = msgspec.structs.replace(results, runs=runs)
    return "\n".join([*_top(results), *_table(results), *_waterfalls(results)]) + "\n"


def _top(results: Results) -> Iterator[str]:
    machine = results.machine
    others = Middle.of([run.others for run in results.runs])
    void = sum(bool(run.void) for run in results.runs)
    disturbed = sum(run.disturbed and not run.void for run in results.runs)
    yield f"""\
# Benchmarks

Made by `python -m bench --publish` from `bench/results.json`; don't edit. `make bench` measures
anew, on free ports and in a folder of its own, and leaves this page as it is.

Measured on {machine.cores} cores ({machine.processor}), {machine.memory_gb:g} GB,
{machine.system}, Python {machine.python}; the load generator runs on the same cores. Cases are run
in rounds, each once a round; {results.warm_s:g} s of load before {results.measure_s:g} s that
count. A figure is the median over the runs, with the least and the most. Other programs used
{others.value:.0%} of the machine in the middle, {others.most:.0%} at most. {void} of
{len(results.runs)} runs were void and are left out, and {disturbed} more beside which other
programs used above {OTHERS_MOST:.0%}.{_started(results)}

{_sittings(results)}

- **S/E** is the CPU of ingest, bridge and recorder over that of the gateway in the same run: a
  ratio that hardly depends on how fast the machine is just now.
- **CPU µs an answer** is that of everything of ours together, without the load generator.
- A closed loop sends on each connection as soon as its last answer is there: for saturation. An
  open loop sends at a fixed rate, and counts a time from when the request was due, so that a wait
  for a free connection is in it (which corrects for coordinated omission).
- Commits are durable (`innodb-flush-log-at-trx-commit = 1`), each request has an Idempotency-Key
  of its own, Redis is kept up, Prometheus scrapes. Records are of 200,000 students and 400 courses.

A run is void if any answer was not as it should be or is missing; if MySQL's rows by arm, counted
one by one, or Redis' records aren't what was acknowledged; or if the load generator was the limit:
in a closed loop, more than {verdict.GENERATOR_MOST:.0%} of a core used by it; in an open loop, its
own lateness above {verdict.LAG_OF_MEDIAN:.0%} of the measured median or
{verdict.LAG_OF_TAIL:.0%} of the measured p99, or less than {verdict.HELD:.0%} of the rate sent.

## Cases
"""
    for name, case in CASES.items():
        yield f"- `{name}`: {case.title}"
    yield ""


def _sittings(results: Results) -> str:
    told = results.sittings()
    if len(told) == 1:
        return f"All of it is of one sitting: {next(iter(told))}."
    rows = [f"- {sitting}: {', '.join(f'`{c}`' for c in cases)}" for sitting, cases in told.items()]
    return "\n".join(["Measured in these sittings, by the commit that was then:", "", *rows])


def _started(results: Results) -> str:
    if results.start_s is None:
        return ""
    return f"""
From nothing running, with everything installed and no data, the whole system was ready and had
stored its first record in {results.start_s:.1f} s."""


def _table(results: Results) -> Iterator[str]:
    yield "## Results"
    yield ""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{'---|' * len(_HEAD)}"
    for case, runs in results.cases().items():
        yield f"| {case} | {len(runs)} | {' | '.join(figures(runs))} |"
    yield ""
    yield from _asked(results.cases())
    yield from _ratios(results.cases())
    yield from overloads.words(results.cases())
    yield from _overheads(results.cases())
    yield from _memory(results.cases())


def _ratios(cases: dict[str, list[Measured]]) -> Iterator[str]:
    """Say what is to be read from two rows of the table, round by round of one sitting."""
    for name, over, of, what in (
        ("even-64", BOTH, rate, "times the throughput of the plain version of both arms"),
        ("even-256", BOTH_MANY, rate, "times that at 256 connections"),
        ("even-64", WHOLE, rate, "times that of the plain version in one process"),
        ("even-64", BARE, rate, "times that of a plain route with an insert, and nothing else"),
        ("at-10%", "unbatched-at-10%", p50, "times the unbatched path's p50, at a tenth"),
    ):
        if values := ratios(cases, name, over, of):
            yield f"{Middle.of(values)} {what}."
            yield ""


def _asked(cases: dict[str, list[Measured]]) -> Iterator[str]:
    """Hold the medians against what was asked."""
    if rows := asked.rows(cases):
        yield "| What was asked | of the median | measured | met |"
        yield "|---|---|---|---|"
        yield from (f"| {' | '.join(row)} |" for row in rows)
        yield ""


def _overheads(cases: dict[str, list[Measured]]) -> Iterator[str]:
    found = list(overheads(cases))
    if not found:
        return
    yield """\
## What telemetry costs

CPU of the gateway, ingest, bridge and recorder for a record, against the same load with no
telemetry, pair by pair within each round (levels in turn, 95 % intervals of the mean of their
logarithms). Without telemetry the services' counting is replaced by nothing (`bench/uncounted.py`),
Prometheus rests, and neither gateway nor services trace. The gateway counts all the same: Envoy
has no way not to.

| With | CPU a record | pairs |
|---|---|---|"""
    for name, share in found:
        yield f"| {name} | {share} | {share.pairs} |"
    yield ""


def _memory(cases: dict[str, list[Measured]]) -> Iterator[str]:
    runs = cases.get("even-256")
    if not runs:
        return
    held = sorted(runs[-1].memory_mb.items(), key=lambda pair: (-pair[1], pair[0]))
    whole = sum(size for name, size in held if name not in APART)
    yield f"""\
## Memory

Right after the last run at 256 connections, in MB, what processes share shared out among them:
{", ".join(f"{name} {size:.0f}" for name, size in held)}.
All of it without {" and ".join(APART)}: {whole:.0f} MB.
"""


def _waterfalls(results: Results) -> Iterator[str]:
    yield "## Where the CPU goes"
    yield ""
    yield "Microseconds for each answer, by process."
    for case, runs in results.cases().items():
        if runs:
            yield from ("", f"`{case}`{batch_sizes(runs)}:", "", "```text", *waterfall(runs), "```")
