"""``python -m bench.reading`` (`make bench-reading`): how quick reading is while records come.

For each size it starts a system of its own and fills the ledger. Each endpoint of the reporter is
asked in turn, at a fixed rate, through the gateway; and so many WebSockets are open and told of
each change. It tells of each process's memory when the ledger is filled and when it is all over.
With `--running` it measures the stack that runs, whatever its ledger has. Up to a million records,
and with `--recount` at any size, it holds every chart against the records themselves as well. Aims
are told of; only what is void fails. The figures are kept in `.local/bench-reading.json` too.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Final

import httpx
import psutil
import uvloop

from bench import aims
from bench.asking import Asking, endpoints
from bench.counts import count
from bench.findings import OUT, Answers, Findings, keep
from bench.histogram import Histogram
from bench.measured import APART, Measured
from bench.measuring import Measuring
from bench.processes import memory
from bench.recount import wrong_charts
from bench.rounds import FEW, Bench
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
_RECOUNTED: Final = 1_000_000
"""Records that are recounted in seconds; a larger ledger takes minutes."""
_SAYING: Final = 100_000
"""Records in Redis; with fewer, what it needs anyway would be most of it."""
_WARM_S: Final = 3.0
_WATCHED_S: Final = 10.0
_RECORDS: Final = 20
"""Sent one by one, for the delay to the live clients."""
_MARK: Final = "MESHSPLIT_PASS_MARK"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; 1 if anything of it is void."""
    asked = _parser().parse_args(arguments)
    if asked.running:
        found = [_at_rest_and_read(System(open_run(load())), asked, None)]
        keep(found)
    else:
        found = []
        for size in asked.sizes:
            found.append(_of_size(size, asked))
            keep(found)  # a later size may fail
    _say(f"the figures are in {OUT}")
    return int(any(each.void for each in found))


def _of_size(size: int, asked: argparse.Namespace) -> Findings:
    with system(lambda _: None) as running:
        empty = memory(running.processes())["redis"]
        send_sample(running.run, lambda _: None)
        if size > _SAMPLE:
            seed_large(running.run, size - _SAMPLE, 1, lambda _: None)
        return _at_rest_and_read(running, asked, empty)


def _at_rest_and_read(running: System, asked: argparse.Namespace, empty: int | None) -> Findings:
    """Tell of one ledger; `empty` is Redis' memory before any record, if it was seen."""
    api = f"http://{running.run.settings.gateway}/api/v1"
    total = httpx.get(f"{api}/records/count", timeout=20).raise_for_status().json()["total"]
    found = Findings(total)
    _say(f"{total:,} records in the ledger")
    found.rest_mb = _held(running, "at rest", aims.AFTER_SAMPLE if total == _SAMPLE else None)
    if empty is not None:
        found.redis_record_bytes = _redis_record(running, empty)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(running, api, asked, found))
    found.after_mb = _held(running, "after it")
    if asked.recount or total <= _RECOUNTED:
        mark = int(running.run.settings.passed_on.get(_MARK, "61"))
        found.charts, wrong = wrong_charts(running.mysql_url, api, mark)
        right = found.charts - len(wrong)
        _say(f"  {right} of {found.charts} charts are what a recount of the records gives")
        found.void += wrong
    found.void = list(dict.fromkeys(found.void))
    for each in found.void:
        _say(f"VOID: {each}")
    return found


def _held(running: System, when: str, aim: aims.Aim | None = None) -> dict[str, float]:
    """Tell each process's memory in MB; what several share is shared out among them."""
    sizes = memory(running.processes()).items()
    held = {name: size / _MEGA for name, size in sorted(sizes, key=lambda pair: -pair[1])}
    whole = sum(size for name, size in held.items() if name not in APART)
    each = ", ".join(f"{name} {size:.0f}" for name, size in held.items())
    told = aim.held(whole) if aim else f"{whole:.0f} MB"
    _say(f"  {when}: {told} without {' and '.join(APART)} ({each})")
    return held


def _redis_record(running: System, empty: int) -> float | None:
    """Tell Redis' bytes for each record; None if it has too few to say."""
    live = count(running.mysql_url, running.redis_url, projected(running)).live
    if live < _SAYING:
        return None
    each = (memory(running.processes())["redis"] - empty) / live
    _say(f"  Redis: {aims.REDIS_RECORD.held(each)} for each of its {live:,} records")
    return each


async def _measure(system: System, api: str, asked: argparse.Namespace, found: Findings) -> None:
    """Tell the figures, and add them and what makes them void to what was found."""
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
        p99 = aims.ANSWER_P99.held(_in_ms(times, 0.99))
        _say(f"  {name:28} p50 {_ms(times, 0.5)}  p99 {p99} of {times.total}")
        found.answers[name] = Answers(_in_ms(times, 0.5), _in_ms(times, 0.99), times.total)
    found.asker_lag_p99_ms = _in_ms(asking.lag, 0.99)
    _say(f"  the asker itself was late by {_ms(asking.lag, 0.99).strip()} ms (p99)")
    found.void += [*asking.void(), *written.void]
    await _watch(system, api, asked, found)


async def _write(measuring: Measuring, rate: int) -> Measured:
    return await asyncio.to_thread(Bench(measuring, 1).through_the_arms, "reading", FEW, rate=rate)


async def _watch(system: System, api: str, asked: argparse.Namespace, found: Findings) -> None:
    """Tell of live clients; what the questions took of the reporter's memory was there before."""
    reporter = system.processes()["reporter"]
    watching = Watching(live(api), asked.clients)
    before = _own_memory(reporter)

    def each_client() -> float:
        return (_own_memory(reporter) - before) / int(asked.clients) / 1024

    await watching.begin()
    found.client_kib["idle"] = each_client()
    _say(f"{asked.clients:,} live clients:")
    try:
        late = await delays(watching, f"{system.url(PROJECTING)}/", api, _RECORDS)
    except UnheardError as unheard:
        found.void.append(str(unheard))
    else:
        found.live_p50_ms, found.live_p99_ms = _in_ms(late, 0.5), _in_ms(late, 0.99)
        p99 = aims.LIVE_P99.held(found.live_p99_ms)
        _say(f"  from a commit to the last of them p50 {_ms(late, 0.5)}  p99 {p99}")
        measuring = Measuring(system, projected(system), warm_s=_WARM_S, measure_s=_WATCHED_S)
        written = await _write(measuring, asked.rate)
        found.client_kib["written to"] = each_client()
        spent = written.cpu_us["reporter"] * _MICRO * written.answers / written.seconds
        _say(f"  the reporter took {spent:.0%} of a core to tell them while {_written(written)}")
        found.void += written.void
    finally:
        await watching.end()
    when = ", ".join(f"{name} {size:.1f}" for name, size in found.client_kib.items())
    most = aims.CLIENT.held(max(found.client_kib.values()))
    _say(f"  each took {most} of the reporter's memory ({when})")


def _own_memory(process: psutil.Process) -> int:
    return int(process.memory_full_info().uss)


def _written(measured: Measured) -> str:
    return (
        f"{measured.per_second:.0f} records/s were written (p99 {measured.p99_ms:.0f} ms,"
        f" others {measured.others:.0%} of the machine)"
    )


def _in_ms(times: Histogram, share: float) -> float:
    return times.quantile(share) / _MILLI


def _ms(times: Histogram, share: float) -> str:
    return f"{_in_ms(times, share):6.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000, 1_000_000, 10_000_000], help="of ledgers"
    )
    parser.add_argument("--running", action="store_true", help="measure the stack that runs")
    parser.add_argument("--rate", type=int, default=1000, help="records a second meanwhile")
    parser.add_argument("--seconds", type=float, default=45.0, help="for how long")
    parser.add_argument("--questions", type=float, default=70.0, help="questions a second")
    parser.add_argument("--recount", action="store_true", help="hold charts to records at any size")
    parser.add_argument("--clients", type=int, default=1000, help="live clients")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
