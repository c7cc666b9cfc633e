"""``python -m bench.reading`` (`make bench-reading`): how quick reading is while records come.

For each size it starts a system of its own and fills the ledger. Each endpoint of the reporter is
asked in turn, at a fixed rate, through the gateway; and so many WebSockets are open and told of
each change. It tells of each process's memory when the ledger is filled and when it is all over.
With `--running` it measures the stack that runs, whatever its ledger has; with `--recount` it holds
every chart against the records themselves as well. Aims are told of; only what is void fails.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Final

import httpx
import psutil

from bench import aims
from bench.asking import Asking, endpoints
from bench.cases import FEW, Bench
from bench.histogram import Histogram
from bench.measured import APART, Measured
from bench.measuring import Measuring
from bench.processes import memory
from bench.recount import wrong_charts
from bench.system import PROJECTING, System, projected, system
from bench.watching import UnheardError, Watching, delays, live
from meshsplit.local.filling import seed_large
from meshsplit.local.run import open_run
from meshsplit.local.settings import load
from meshsplit.local.traffic import send_sample

_MILLI: Final = 1_000_000
_MICRO: Final = 1e-6
_MEGA: Final = 1e6
_SAMPLE: Final = 1_000
"""Records that `make up` sends into an empty ledger; a larger one is filled past the services."""
_WARM_S: Final = 3.0
_WATCHED_S: Final = 10.0
_RECORDS: Final = 20
"""Sent one by one, for the delay to the live clients."""
_MARK: Final = "MESHSPLIT_PASS_MARK"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; 1 if anything of it is void."""
    asked = _parser().parse_args(arguments)
    if asked.running:
        return _at_rest_and_read(System(open_run(load())), asked)
    return max(_of_size(size, asked) for size in asked.sizes)


def _of_size(size: int, asked: argparse.Namespace) -> int:
    with system(lambda _: None) as running:
        send_sample(running.run, lambda _: None)
        if size > _SAMPLE:
            seed_large(running.run, size - _SAMPLE, 1, lambda _: None)
        return _at_rest_and_read(running, asked)


def _at_rest_and_read(running: System, asked: argparse.Namespace) -> int:
    api = f"http://{running.run.settings.gateway}/api/v1"
    total = httpx.get(f"{api}/records/count", timeout=20).raise_for_status().json()["total"]
    _say(f"{total:,} records in the ledger")
    _say(f"  at rest: {_held(running, aims.AFTER_SAMPLE if total == _SAMPLE else None)}")
    void = asyncio.run(_measure(running, api, asked))
    _say(f"  after it: {_held(running)}")
    if asked.recount:
        mark = int(running.run.settings.passed_on.get(_MARK, "61"))
        charts, wrong = wrong_charts(running.mysql_url, api, mark)
        _say(f"  {charts - len(wrong)} of {charts} charts are what a recount of the records gives")
        void += wrong
    for each in dict.fromkeys(void):
        _say(f"VOID: {each}")
    return int(bool(void))


def _held(running: System, aim: aims.Aim | None = None) -> str:
    """Tell each process's memory; what several share is shared out among them."""
    held = sorted(memory(running.processes()).items(), key=lambda pair: -pair[1])
    whole = sum(size for name, size in held if name not in APART) / _MEGA
    each = ", ".join(f"{name} {size / _MEGA:.0f}" for name, size in held)
    told = aim.held(whole) if aim else f"{whole:.0f} MB"
    return f"{told} without {' and '.join(APART)} ({each})"


async def _measure(system: System, api: str, asked: argparse.Namespace) -> list[str]:
    """Tell the figures; give what makes them void."""
    asking = Asking(endpoints(api), asked.questions)
    counts, loop = asyncio.Event(), asyncio.get_running_loop()

    def begun() -> None:
        loop.call_soon_threadsafe(counts.set)

    measuring = Measuring(
        system,
        projected(system),
        warm_s=_WARM_S,
        measure_s=asked.seconds,
        counting=begun,
    )

    async def ask() -> None:
        await counts.wait()  # the writer's own load
        await asking.run(asked.seconds)

    async with asyncio.TaskGroup() as both:
        writing = both.create_task(_write(measuring, asked.rate))
        both.create_task(ask())
    written = writing.result()
    _say(f"while {_written(written)}:")
    for name, times in asking.times.items():
        p99 = aims.ANSWER_P99.held(times.quantile(0.99) / _MILLI)
        _say(f"  {name:28} p50 {_ms(times, 0.5)}  p99 {p99} of {times.total}")
    return [*asking.wrong, *written.void, *await _watch(system, api, asked)]


async def _write(measuring: Measuring, rate: int) -> Measured:
    return await asyncio.to_thread(Bench(measuring, 1).through_the_arms, "reading", FEW, rate=rate)


async def _watch(system: System, api: str, asked: argparse.Namespace) -> list[str]:
    reporter = system.processes()["reporter"]
    watching = Watching(live(api), asked.clients)
    before = _own_memory(reporter)
    await watching.begin()
    each = (_own_memory(reporter) - before) / asked.clients / 1024
    _say(f"{asked.clients:,} live clients: {aims.CLIENT.held(each)} each")
    try:
        found = await delays(watching, f"{system.url(PROJECTING)}/", api, _RECORDS)
    except UnheardError as unheard:
        return [str(unheard)]
    else:
        p99 = aims.LIVE_P99.held(found.quantile(0.99) / _MILLI)
        _say(f"  from a commit to the last of them p50 {_ms(found, 0.5)}  p99 {p99}")
        measuring = Measuring(system, projected(system), warm_s=_WARM_S, measure_s=_WATCHED_S)
        written = await _write(measuring, asked.rate)
        spent = written.cpu_us["reporter"] * _MICRO * written.answers / written.seconds
        _say(f"  the reporter took {spent:.0%} of a core to tell them while {_written(written)}")
        return list(written.void)
    finally:
        await watching.end()


def _own_memory(process: psutil.Process) -> int:
    return int(process.memory_full_info().uss)


def _written(measured: Measured) -> str:
    return (
        f"{measured.per_second:.0f} records/s were written (p99 {measured.p99_ms:.0f} ms,"
        f" others {measured.others:.0%} of the machine)"
    )


def _ms(times: Histogram, share: float) -> str:
    return f"{times.quantile(share) / _MILLI:6.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000, 1_000_000, 10_000_000], help="of ledgers"
    )
    parser.add_argument("--running", action="store_true", help="measure the stack that runs")
    parser.add_argument("--rate", type=int, default=1000, help="records a second meanwhile")
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long")
    parser.add_argument("--questions", type=float, default=70.0, help="questions a second")
    parser.add_argument("--recount", action="store_true", help="hold every chart against records")
    parser.add_argument("--clients", type=int, default=1000, help="live clients")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
