"""One run: a load is made, everything is measured meanwhile, and everything is counted after it."""

import os
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from bench.batches import Batches, batches, records_each
from bench.counts import Counts, count
from bench.histogram import Histogram
from bench.measured import GENERATOR, WRITERS, Measured
from bench.orders import Order, Report
from bench.processes import memory, used
from bench.system import System, UnfitError
from bench.verdict import why_void
from meshsplit.local.settings import checkout

_END_S = 60.0
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


class Measuring:
    """Measures loads on one system."""

    def __init__(self, system: System, projected: str, *, warm_s: float, measure_s: float) -> None:
        self.system = system
        self.projected = projected
        """The arm whose records Redis holds."""
        self.warm_s = warm_s
        self.measure_s = measure_s
        self._seed = 0

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
        report, cpu, held, others, idle = self._carry_out(order, module)
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
            answers=answers,
            refused=refused,
            seconds=report.wall_s,
            cpu_us={name: s * _MEGA / max(answers, 1) for name, s in cpu.items()},
            p50_ms=latency.quantile(0.5) / _MEGA,
            p99_ms=latency.quantile(0.99) / _MEGA,
            lag_p99_ms=lag.quantile(0.99) / _MEGA,
            rate=order.rate,
            others=others,
            idle=idle,
            memory_mb=held,
            whole=expected.whole,
            batch_records=sizes,
            void=void,
        )

    def _count(self) -> Counts:
        return count(self.system.mysql_url, self.system.redis_url, self.projected)

    def _batches(self, expected: Expected) -> Batches:
        return batches(self.system, WRITERS) if expected.whole else {}

    def _carry_out(
        self, order: Order, module: str
    ) -> tuple[Report, dict[str, float], dict[str, float], float, float]:
        processes = self.system.processes()
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
                begins = time.monotonic() + order.warm_s
                _tell(generator, f"{begins!r}".encode())
                time.sleep(max(begins - time.monotonic(), 0))
                before = used(processes)
                time.sleep(max(begins + order.measure_s - time.monotonic(), 0))
                spent = used(processes).since(before)
                told, _ = generator.communicate(timeout=order.settle_s + _END_S)
            except BaseException:
                generator.kill()
                raise
        report = msgspec.json.decode(told, type=Report)
        cpu = {name: s for name, s in spent.cpu_s.items() if s} | {GENERATOR: report.cpu_s}
        held = {name: size / _MEGA for name, size in memory(processes).items()}
        others = 1 - (sum(cpu.values()) + spent.idle_s) / spent.machine_s
        return report, cpu, held, max(others, 0.0), spent.idle_s / spent.machine_s


def _tell(generator: subprocess.Popen[bytes], line: bytes) -> None:
    assert generator.stdin is not None  # noqa: S101 - it was started with a pipe
    generator.stdin.write(line + b"\n")
    generator.stdin.flush()


def _await_ready(generator: subprocess.Popen[bytes], module: str) -> None:
    assert generator.stdout is not None  # noqa: S101 - as above
    if generator.stdout.readline() != b"ready\n":  # it bounds its own time
        raise UnfitError(f"{module} ended before it was ready")
