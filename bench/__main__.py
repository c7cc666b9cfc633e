"""``python -m bench``: run the cases, print what they gave, and write it down."""

import argparse
import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench import page
from bench.cases import CASES, LONGER
from bench.measured import Measured
from bench.measuring import Measuring
from bench.results import RESULTS, Results, about_this_machine, table
from bench.rounds import Bench
from bench.system import System, UnfitError, projected, system
from loadtest.generate import records

STORED = 201


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 1 if a run was void or couldn't be made."""
    asked = _parser().parse_args(arguments)
    names = asked.cases.split() or [name for name in CASES if name not in LONGER]
    unknown = [name for name in names if name not in CASES]
    if unknown:
        _say(f"no case is called {', '.join(unknown)}; there are {', '.join(CASES)}")
        return 2
    began = time.monotonic()
    with system(lambda _: None) as running:
        send_first_record(running)
        start_s = time.monotonic() - began
        _say(f"the system runs and has stored a record ({start_s:.1f} s)")
        measuring = Measuring(
            running, projected(running), warm_s=asked.warm, measure_s=asked.seconds
        )
        unfit: list[str] = []
        runs = list(_rounds(measuring, names, asked.rounds, began + asked.limit, unfit))
    results = Results(about_this_machine(), asked.warm, asked.seconds, runs, start_s)
    print(table(results))  # noqa: T201 - it is what was asked for
    if asked.publish:
        results = results.beside_what_else_is_published()
    target = RESULTS if asked.publish else Path(asked.out)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    if asked.publish:
        page.PAGE.write_text(page.render(results))
    _say(f"{target} has every run; it took {time.monotonic() - began:.0f} s")
    return int(bool(unfit) or any(run.void for run in runs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--cases", default=os.environ.get("CASES", ""), help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=2, help="each case so often, in turn")
    parser.add_argument("--warm", type=float, default=1.0, help="seconds before it counts")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds that count")
    parser.add_argument("--limit", type=float, default=600.0, help="no round begins after, seconds")
    parser.add_argument("--out", default=".local/bench.json", help="where the results go")
    parser.add_argument("--publish", action="store_true", help="make the page of results of them")
    return parser


def _rounds(
    measuring: Measuring, names: Sequence[str], rounds: int, until: float, unfit: list[str]
) -> Iterator[Measured]:
    """Run the cases in turn, so that what changes on the machine meets all of them.

    A case that can't be run is told of in `unfit`, and the others go on.
    """
    for number in range(1, rounds + 1):
        if time.monotonic() > until:
            _say(f"the time is up after {number - 1} rounds")
            return
        bench = Bench(measuring, number)
        for name in names:
            try:
                for run in CASES[name].run(bench):
                    _say(_line(run))
                    yield run
            except UnfitError as error:
                unfit.append(f"{number} {name}: {error}")
                _say(unfit[-1])


def _line(run: Measured) -> str:
    ratio = run.services_over_gateway
    shown = "" if ratio is None else f", S/E {ratio:.2f}"
    if run.overload is not None:
        shown += f", refused {run.refused}, {run.overload}"
    void = f"; VOID: {'; '.join(run.void)}" if run.void else ""
    return (
        f"{run.round} {run.case}: {run.per_second:.0f}/s, p50 {run.p50_ms:.1f} ms, "
        f"p99 {run.p99_ms:.1f} ms{shown}, idle {run.idle:.0%}, others {run.others:.0%}{void}"
    )


def send_first_record(running: System) -> None:
    """Store a record through the gateway.

    Raises:
        OSError: it wasn't stored.

    """
    row = next(records(1, seed=0))
    url = f"http://{running.run.settings.gateway}/"
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(row).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        if answer.status != STORED:
            raise OSError(f"the first record was answered {answer.status}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress for a person


if __name__ == "__main__":
    sys.exit(main())
