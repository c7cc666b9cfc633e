"""What is measured. Each case is a few lines: whose place is taken, what load, what is right."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import psutil

from bench import insert, write_path
from bench.measured import Measured
from bench.plain import bare, whole
from bench.rounds import FEW, MANY, Bench
from bench.telemetry import LEVELS, OTLP, Told, in_turn, write_rate
from meshsplit.local.up import IDENTITY_HOST

_WRITING = ("recorder", "bridge", "ingest")
_UNBATCHED = {"MESHSPLIT_BATCH_LIMIT": "1", "MESHSPLIT_BATCH_LINGER_MS": "0"}
_PLAIN_ARMS = {
    "recorder": "bench.plain.recorder",
    "bridge": "bench.plain.bridge",
    "ingest": "bench.plain.whole",
}
BARE, WHOLE, BOTH = "plain", "plain, all of it", "plain, both arms"
BOTH_MANY = "plain, both arms, 256"
_NOTHING = "nothing"
_FOLLOWS_S = 3.0
"""The gateway follows a change of the mesh's files within two seconds."""


Run = Callable[[Bench], Iterator[Measured]]


@dataclass(frozen=True)
class Case:
    """A case by name."""

    title: str
    run: Run
    runs: tuple[str, ...]
    """What its runs are called."""


def _saturated(connections: int) -> Run:
    def run(bench: Bench) -> Iterator[Measured]:
        measured = bench.through_the_arms(f"even-{connections}", connections)
        bench.keep_peak(connections, measured)
        yield measured

    return run


def _each_arm(bench: Bench) -> Iterator[Measured]:
    try:
        for arm in bench.system.arms:
            bench.system.split({arm: 100})
            yield bench.through_the_arms(f"all-{arm}", FEW)
    finally:
        bench.system.evenly()


def _gateway(bench: Bench) -> Iterator[Measured]:
    yield bench.answered_elsewhere("gateway", "200", authority=IDENTITY_HOST, posts=False)


def _nothing(bench: Bench) -> Iterator[Measured]:
    with _first_arm_replaced(bench, "bench.nothing"):
        yield bench.answered_elsewhere("nothing", f"201 {_NOTHING}")


def _plain(bench: Bench) -> Iterator[Measured]:
    with _first_arm_replaced(bench, "bench.plain.bare"):
        yield bench.answered_elsewhere(BARE, f"201 {bare.ARM}", bare.ARM)


def _plain_whole(bench: Bench) -> Iterator[Measured]:
    with _first_arm_replaced(bench, "bench.plain.whole"):
        yield bench.answered_elsewhere(WHOLE, f"201 {whole.ARM}", whole.ARM)


def _plain_arms(bench: Bench) -> Iterator[Measured]:
    with bench.system.instead(_PLAIN_ARMS):
        yield bench.through_the_arms(BOTH, FEW)
        yield bench.through_the_arms(BOTH_MANY, MANY)


def _write_path(bench: Bench) -> Iterator[Measured]:
    yield bench.without_http("write-path", "bench.write_path", write_path.ARM, FEW)


def _insert(bench: Bench) -> Iterator[Measured]:
    yield bench.without_http("insert", "bench.insert", insert.ARM, FEW)


def _at(share: float) -> Run:
    def run(bench: Bench) -> Iterator[Measured]:
        rate = round(bench.peak() * share)
        yield bench.through_the_arms(f"at-{share * 100:.0f}%", MANY, rate=rate)

    return run


def _unbatched(bench: Bench) -> Iterator[Measured]:
    rate = round(bench.peak() * 0.1)
    with bench.system.told(_WRITING, _UNBATCHED):
        yield bench.through_the_arms("unbatched-at-10%", MANY, rate=rate)


def _overload(bench: Bench) -> Iterator[Measured]:
    yield bench.above_saturation("overload-1024", 4 * MANY, patient=True)


def _flood(bench: Bench) -> Iterator[Measured]:
    yield bench.above_saturation("flood", 4 * MANY, times=2.0, gives_up=True)


def _telemetry(bench: Bench) -> Iterator[Measured]:
    system = bench.system
    mesh, prometheus = system.run.settings.mesh, system.processes()["prometheus"]
    with system.away(_WRITING):
        # Levels whose services are told the same follow each other, and need them only once.
        for told, names in groupby(in_turn(bench.round), key=lambda name: LEVELS[name].services):
            without = "" if told.traces else OTLP
            through = None if told.metrics else "bench.uncounted"
            write_rate(mesh, None)
            with system.told(_WRITING, {}, without, through), _resting(prometheus, told):
                for name in names:
                    write_rate(mesh, LEVELS[name].percent)
                    time.sleep(_FOLLOWS_S)
                    yield bench.through_the_arms(name, FEW)
    write_rate(mesh, 1)


@contextmanager
def _resting(prometheus: psutil.Process, told: Told) -> Iterator[None]:
    """Let Prometheus scrape nothing while nothing is counted."""
    if not told.metrics:
        prometheus.suspend()
    try:
        yield
    finally:
        prometheus.resume()


@contextmanager
def _first_arm_replaced(bench: Bench, module: str) -> Iterator[None]:
    """Send everything to the first arm, and run another program in its place."""
    arm, service = next(iter(bench.system.arms.items()))
    bench.system.split({arm: 100})
    try:
        with bench.system.instead({service: module}):
            yield
    finally:
        bench.system.evenly()


CASES: Mapping[str, Case] = {
    "even": Case("end to end, every arm alike, 64 connections", _saturated(FEW), ("even-64",)),
    "even-many": Case(
        "end to end, every arm alike, 256 connections", _saturated(MANY), ("even-256",)
    ),
    "arms": Case("each arm alone, 64 connections", _each_arm, ("all-fastapi", "all-grpc")),
    "gateway": Case("the gateway answers a GET by itself", _gateway, ("gateway",)),
    "nothing": Case("the gateway and a service that does nothing", _nothing, ("nothing",)),
    "write-path": Case("the write path without HTTP, Redis left out", _write_path, ("write-path",)),
    "insert": Case("MySQL's multi-row insert alone, batches of 64", _insert, ("insert",)),
    "plain": Case("a FastAPI route and an insert a request, in one process", _plain, (BARE,)),
    "plain-whole": Case(
        "the same with keys, figures and Redis, a request at a time", _plain_whole, (WHOLE,)
    ),
    "plain-arms": Case(
        "the same in both arms, by weight; in the grpc one with a call to the recorder a request",
        _plain_arms,
        (BOTH, BOTH_MANY),
    ),
    "tenth": Case("open loop at a tenth of saturation", _at(0.1), ("at-10%",)),
    "unbatched": Case("the same without batches", _unbatched, ("unbatched-at-10%",)),
    "half": Case("open loop at half of saturation", _at(0.5), ("at-50%",)),
    "overload": Case(
        "closed loop, 1,024 connections that heed Retry-After", _overload, ("overload-1024",)
    ),
    "flood": Case(
        "open loop at twice the saturation of 256 connections, over 1,024", _flood, ("flood",)
    ),
    "telemetry": Case(
        "telemetry off, metrics only, and 1, 10 and 100 % of requests traced",
        _telemetry,
        tuple(LEVELS),
    ),
}
LONGER = frozenset({"telemetry"})
"""Only run when they are named: they take many rounds to say anything."""
