"""One run: a load is made, everything is measured meanwhile, and everything is counted after it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import msgspec
import psutil

from bench.batches import Batches, batches, records_each
from bench.counts import Counts, count
from bench.histogram import Histogram
from bench.measured import GENERATOR, WRITERS, Measured
from bench.orders import Order, Report
from bench.processes import memory, resident, used
from bench.recovery import Overload, normal_after, unanswered
from bench.sitting import sitting
from bench.system import System, UnfitError
from bench.verdict import why_void
from meshsplit.local.settings import checkout

_END_S = 60.0
_LOOK_S = 0.25
_MEGA = 1e6


@dataclass(frozen=True)
class Expected:
    """What a case's right answers are, and which of them must be rows."""

    answers: Collection[str]
    arms: Collection[str]
    """Each "201 ARM" of these is a row."""
    refusal: str = ""
    """An answer that is right too, and stores nothing."""
    whole: bool = False
    """Whether records go through the gateway and what stores them."""


@dataclass(frozen=True)
class CarriedOut:
    """What became of an order, and what the machine did meanwhile."""

    report: Report
    cpu_s: Mapping[str, float]
    """By process, the generator's too."""
    memory: Mapping[str, int]
    """Bytes right after it."""
    resident: Mapping[str, tuple[int, int]]
    """Bytes before it, and the most meanwhile."""
    others: float
    idle: float


class Measuring:
    """Measures loads on one system."""

    def __init__(
        self,
        system: System,
        projected: str,
        *,
        warm_s: float,
        measure_s: float,
        counting: Callable[[], None] | None = None,
    ) -> None:
        self.system = system
        self.projected = projected
        """The arm whose records Redis holds."""
        self.warm_s = warm_s
        self.measure_s = measure_s
        self.counting = counting
        """Called when what is sent begins to count: something else may be measured meanwhile."""
        self._seed = 0
        self._sitting = sitting()

    def order(self, connections: int, **more: object) -> Order:
        """Make an order to the gateway, with records that no order before had."""
        self._seed += 1
        host, port = self.system.gateway
        given = {
            "host": host,
            "port": port,
            "connections": connections,
            "warm_s": self.warm_s,
            "measure_s": self.measure_s,
            "seed": self._seed,
            **more,
        }
        return msgspec.convert(given, Order)

    def run(
        self, case: str, number: int, order: Order, expected: Expected, module: str
    ) -> Measured:
        """Have a module carry out an order, and give what it cost."""
        before, batched = self._count(), self._batches(expected)
        done = self._carry_out(order, module)
        report = done.report
        sizes = records_each(batched, self._batches(expected))
        stored = self._count().since(before)
        storing = {arm: report.answers.get(f"201 {arm}", 0) for arm in expected.arms}
        void = why_void(
            report,
            stored,
            expected={*expected.answers, expected.refusal},
            storing={arm: n for arm, n in storing.items() if n},
            projected=self.projected,
            rate=order.rate,
        )
        refused = report.measured.get(expected.refusal, 0)
        answers = sum(report.measured.values()) - refused
        latency, lag = Histogram(report.latency), Histogram(report.lag)
        return Measured(
            case=case,
            round=number,
            sitting=self._sitting,
            answers=answers,
            refused=refused,
            seconds=report.wall_s,
            cpu_us={name: s * _MEGA / max(answers, 1) for name, s in done.cpu_s.items()},
            p50_ms=latency.quantile(0.5) / _MEGA,
            p99_ms=latency.quantile(0.99) / _MEGA,
            lag_p99_ms=lag.quantile(0.99) / _MEGA,
            rate=order.rate,
            others=done.others,
            idle=done.idle,
            memory_mb={name: size / _MEGA for name, size in done.memory.items()},
            whole=expected.whole,
            batch_records={} if order.calm else sizes,  # a calm load's are among them
            overload=_overload(done) if order.calm else None,
            void=void,
        )

    def _count(self) -> Counts:
        return count(self.system.mysql_url, self.system.redis_url, self.projected)

    def _batches(self, expected: Expected) -> Batches:
        return batches(self.system, WRITERS) if expected.whole else {}

    def _carry_out(self, order: Order, module: str) -> CarriedOut:
        processes = self.system.processes()
        before_s = order.calm.before_s if order.calm else 0.0
        after_s = order.calm.after_s if order.calm else 0.0
        at_first = resident(processes)
        with subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=checkout(),
            env={**os.environ, "MESHSPLIT_MYSQL_URL": self.system.mysql_url},
        ) as generator:
            try:
                _tell(generator, msgspec.json.encode(order))
                _await_ready(generator, module)
                begins = time.monotonic() + before_s + order.warm_s
                _tell(generator, f"{begins!r}".encode())
                time.sleep(max(begins - time.monotonic(), 0))
                if self.counting is not None:
                    self.counting()
                before = used(processes)
                most = _most_resident(processes, begins + order.measure_s)
                spent = used(processes).since(before)
                told, _ = generator.communicate(timeout=after_s + order.settle_s + _END_S)
            except BaseException:
                generator.kill()
                raise
        report = msgspec.json.decode(told, type=Report)
        cpu = {name: s for name, s in spent.cpu_s.items() if s} | {GENERATOR: report.cpu_s}
        others = 1 - (sum(cpu.values()) + spent.idle_s) / spent.machine_s
        return CarriedOut(
            report=report,
            cpu_s=cpu,
            memory=memory(processes),
            resident={name: (at_first[name], size) for name, size in most.items()},
            others=max(others, 0.0),
            idle=spent.idle_s / spent.machine_s,
        )


def _most_resident(processes: Mapping[str, psutil.Process], until: float) -> dict[str, int]:
    """Look at the processes' memory now and then until a time; give the most of each."""
    most = resident(processes)
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_S))
        for name, size in resident(processes).items():
            most[name] = max(most[name], size)
    return most


def _overload(done: CarriedOut) -> Overload:
    report = done.report
    return Overload(
        unanswered=unanswered(report.scheduled, report.in_time),
        normal_s=normal_after(report.calm),
        resident_mb={
            name: (before / _MEGA, most / _MEGA) for name, (before, most) in done.resident.items()
        },
    )


def _tell(generator: subprocess.Popen[bytes], line: bytes) -> None:
    assert generator.stdin is not None  # noqa: S101 - it was started with a pipe
    generator.stdin.write(line + b"\n")
    generator.stdin.flush()


def _await_ready(generator: subprocess.Popen[bytes], module: str) -> None:
    assert generator.stdout is not None  # noqa: S101 - as above
    if generator.stdout.readline() != b"ready\n":  # it bounds its own time
        raise UnfitError(f"{module} ended before it was ready")
