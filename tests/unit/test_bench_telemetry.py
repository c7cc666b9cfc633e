"""The benchmark of telemetry: what is switched off is off, and the comparison is pair by pair."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.measured import Measured
from bench.telemetry import LEVELS, OFF, in_turn, overhead, overheads, write_rate
from bench.uncounted import COUNTING
from meshsplit.translator.documents import read_all
from tests.benched import RUN

MESH = Path(__file__).parents[2] / "mesh"


def costing(total: float, number: int = 1) -> Measured:
    return msgspec.structs.replace(RUN, round=number, cpu_us={"envoy": total, "mariadb": 9.0})


def test_a_level_is_compared_with_the_run_of_its_own_round() -> None:
    without = [costing(100, 1), costing(200, 2), costing(400, 3)]
    found = overhead(without, [costing(103, 1), costing(208, 2), costing(420, 3)])
    assert found is not None
    assert found.share == pytest.approx(0.04, abs=0.001)
    assert found.least < 0.04 < found.most
    assert found.pairs == 3


def test_the_interval_is_as_wide_as_the_pairs_differ() -> None:
    without = [costing(100, number) for number in range(10)]
    same = overhead(without, [costing(105, number) for number in range(10)])
    spread = overhead(without, [costing(95 + 2 * number, number) for number in range(10)])
    assert same is not None
    assert spread is not None
    assert same.most - same.least == pytest.approx(0, abs=1e-9)
    assert spread.most - spread.least == pytest.approx(0.083, abs=0.01)


def test_one_pair_says_nothing() -> None:
    assert overhead([costing(1)], [costing(2)]) is None
    assert list(overheads({OFF: [], "metrics": []})) == []


def test_each_level_is_at_each_place_equally_often() -> None:
    orders = [in_turn(number) for number in range(10)]
    for place in range(len(LEVELS)):
        seen = [order[place] for order in orders]
        assert {name: seen.count(name) for name in LEVELS} == dict.fromkeys(LEVELS, 2)


@pytest.mark.parametrize("percents", [[None], [10], [None, 100, None, 1]])
def test_the_mesh_asks_for_what_a_level_says(tmp_path: Path, percents: list[int | None]) -> None:
    (tmp_path / "telemetry").mkdir()
    path = tmp_path / "telemetry" / "traces.yaml"
    path.write_text((MESH / "telemetry" / "traces.yaml").read_text())
    for percent in percents:
        write_rate(tmp_path, percent)
    entry = next(
        each.content["spec"]["tracing"][0]
        for each in read_all(MESH)
        if each.content["kind"] == "Telemetry" and "selector" in each.content["spec"]
    )
    text = path.read_text()
    wanted = percents[-1]
    assert ("disableSpanReporting: true" in text) == (wanted is None)
    assert (f"randomSamplingPercentage: {wanted}" in text) == (wanted is not None)
    assert set(entry) == {"providers", "randomSamplingPercentage"}


def test_without_metrics_nothing_is_counted() -> None:
    program = """
from prometheus_client import CollectorRegistry, generate_latest
from bench.uncounted import uncount
from services.core.telemetry.calls import RequestTally
from services.core.telemetry.metrics import WriteMetrics

def counted():
    registry = CollectorRegistry()
    metrics, tally = WriteMetrics(registry, queue_limit=7), RequestTally("a-service")
    registry.register(tally)
    metrics.records.count("an-arm", "stored")
    metrics.commit_seconds.observe(1.0)
    tally.of("POST", "/").count(201, 0.1)
    values = [line.split()[-1] for line in generate_latest(registry).decode().splitlines()
              if not line.startswith("#") and "_created" not in line]
    return sum(float(value) for value in values)

assert counted() > 0
uncount()
assert counted() == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=MESH.parent, timeout=30)


def test_all_that_a_metric_can_do_is_switched_off() -> None:
    assert all(hasattr(kind, name) for kind, names in COUNTING.items() for name in names)
