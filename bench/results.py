"""Results as they are kept, and as a table for a terminal."""

import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
import psutil

from bench import asked, overloads
from bench.measured import GENERATOR, Measured, Middle, cpu_by_process, shown

RESULTS = Path(__file__).with_name("results.json")
"""What the page of results is made from."""
_BAR = 40


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured."""

    cores: int
    memory_gb: float
    processor: str
    system: str
    python: str


class Results(msgspec.Struct, frozen=True):
    """Every run of one sitting, or of several whose cases are published beside each other."""

    machine: Machine
    warm_s: float
    measure_s: float
    runs: list[Measured]
    start_s: float | None = None
    """From nothing running to the first record stored."""

    def cases(self) -> dict[str, list[Measured]]:
        """Give the runs that count by case, in the order in which they were first run."""
        found: dict[str, list[Measured]] = {}
        for run in self.runs:
            found.setdefault(run.case, [])
            if not run.void and not run.disturbed:
                found[run.case].append(run)
        return found

    def sittings(self) -> dict[str, list[str]]:
        """Give the cases of each sitting."""
        found: dict[str, dict[str, None]] = {}
        for run in self.runs:
            found.setdefault(run.sitting, {})[run.case] = None
        return {sitting: list(cases) for sitting, cases in found.items()}

    def beside_what_else_is_published(self) -> "Results":
        """Add the published runs of cases that this has none of, if they are of this machine."""
        if not RESULTS.exists():
            return self
        before = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
        mine = {run.case for run in self.runs}
        kept = [run for run in before.runs if run.case not in mine]
        if before.machine != self.machine:
            return self
        return msgspec.structs.replace(self, runs=[*self.runs, *kept])


def about_this_machine() -> Machine:
    """Say what this machine is."""
    return Machine(
        cores=psutil.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        processor=_processor(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def table(results: Results) -> str:
    """Show the results in a terminal."""
    head = ("case", "records/s", "S/E", "CPU µs/record", "p50 ms", "p99 ms", "idle %", "left out")
    rows: list[tuple[str, ...]] = [head]
    for case, runs in results.cases().items():
        out = sum(run.case == case for run in results.runs) - len(runs)
        rows.append((case, *figures(runs), str(out or "")))
    lines = _columns(rows)
    if above := list(overloads.rows(results.cases())):
        lines += ["", *_columns([overloads.HEAD, *above])]
    if held := asked.rows(results.cases()):
        lines += ["", *_columns([("asked", "of the median", "measured", "met"), *held])]
    for case, runs in results.cases().items():
        if runs:
            lines += ["", f"{case}: CPU µs a record{batch_sizes(runs)}", *waterfall(runs)]
    others = Middle.of([run.others for run in results.runs])
    told = f"{others.value:.0%} of the machine in the middle, {others.most:.0%} at most"
    lines += ["", f"Other programs used {told}."]
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def waterfall(runs: list[Measured]) -> list[str]:
    """Show where the CPU of a record goes, as bars of text."""
    cost = {name: us for name, us in cpu_by_process(runs).items() if us >= 1 or name == GENERATOR}
    most = max(cost.values(), default=1.0)
    width = max(map(len, cost), default=0)
    return [
        f"  {name:<{width}} {shown(us):>6} {'█' * max(1, round(us / most * _BAR))}"
        for name, us in cost.items()
    ]


def batch_sizes(runs: list[Measured]) -> str:
    """Say how many records a batch had, by service, where there were batches."""
    names = dict.fromkeys(name for run in runs for name in run.batch_records)
    sizes = {n: median(r.batch_records[n] for r in runs if n in r.batch_records) for n in names}
    told = ", ".join(f"{name} {shown(size)}" for name, size in sizes.items())
    return f"; records a batch: {told}" if told else ""


def figures(runs: list[Measured]) -> tuple[str, ...]:
    """Give a case's figures as they are shown."""
    if not runs:
        return ("-",) * 6
    ratios = [ratio for run in runs if (ratio := run.services_over_gateway) is not None]
    own = [sum(us for n, us in run.cpu_us.items() if n != GENERATOR) for run in runs]
    return (
        str(Middle.of([run.per_second for run in runs])),
        str(Middle.of(ratios)) if ratios else "",
        str(Middle.of(own)),
        str(Middle.of([run.p50_ms for run in runs])),
        str(Middle.of([run.p99_ms for run in runs])),
        f"{median(run.idle for run in runs) * 100:.0f}",
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
