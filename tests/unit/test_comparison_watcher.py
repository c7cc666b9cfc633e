from collections.abc import Mapping
from math import ceil

import httpx
import pytest

from meshsplit.comparison.counters import Sample
from meshsplit.comparison.prometheus import Prometheus, SourceAwayError
from meshsplit.comparison.watcher import BACK_S, STEP_S, ComparisonWatcher
from meshsplit.split.weights import Arm, Split

NOW = 1_000_000_000.0
PER_S = 10


class Remembering(Prometheus):
    """Has seen each arm get ten requests a second for ever."""

    def __init__(self) -> None:
        super().__init__(httpx.AsyncClient(), "http://nowhere")
        self.away = False
        self.asked: list[tuple[float, float]] = []

    async def readings(
        self, query: str, start: float, end: float, step: int
    ) -> dict[float, list[Sample]]:
        assert query == "everything"
        if self.away:
            raise SourceAwayError("it is away")
        self.asked.append((start, end))
        moments = [start + n * step for n in range(int((end - start) // step) + 1)]
        return {moment: [self._answers(host, moment) for host in "xyz"] for moment in moments}

    def _answers(self, host: str, moment: float) -> Sample:
        labels = {"__name__": "gateway:requests:total", "host": host, "code": "201"}
        return labels, PER_S * moment


def split(weights: Mapping[str, int]) -> Split:
    hosts = {"a": "x.grades.svc.cluster.local", "b": "y", "c": "z"}
    arms = tuple(Arm(name, hosts[name], "#000", weight) for name, weight in weights.items())
    return Split("records", "split", arms)


async def read_all(watcher: ComparisonWatcher, what: Split, since: float, now: float) -> int:
    looks = 1
    while await watcher.look(what, since, now):
        looks += 1
    return looks


EVEN = split({"a": 50, "b": 50})


async def test_a_watcher_reads_back_to_the_last_change_of_weights_bit_by_bit() -> None:
    prometheus = Remembering()
    watcher = ComparisonWatcher(prometheus, "everything")
    looks = await read_all(watcher, EVEN, NOW - 1000, NOW)
    assert looks > 2
    assert prometheus.asked[0][0] == watcher.since == NOW - 1000
    for (_, end), (start, _) in zip(prometheus.asked, prometheus.asked[1:], strict=False):
        assert start == end + STEP_S
    assert watcher.comparison.requests == pytest.approx(2 * PER_S * 1000, rel=0.1)
    assert watcher.comparison.measures[0].differences[0].state == "alike"


async def test_a_watcher_reads_no_further_back_than_an_hour() -> None:
    watcher = ComparisonWatcher(Remembering(), "everything")
    await watcher.look(EVEN, 0, NOW)
    assert watcher.since == ceil((NOW - BACK_S) / STEP_S) * STEP_S


async def test_other_weights_begin_a_new_comparison() -> None:
    watcher = ComparisonWatcher(Remembering(), "everything")
    await read_all(watcher, EVEN, NOW - 500, NOW)
    await read_all(watcher, split({"a": 90, "b": 10}), NOW - 500, NOW + 3)
    assert watcher.since == NOW + STEP_S
    assert watcher.comparison.requests == 0


async def test_an_arm_of_weight_zero_is_not_waited_for() -> None:
    watcher = ComparisonWatcher(Remembering(), "everything")
    await read_all(watcher, split({"a": 50, "b": 50, "c": 0}), NOW - 1000, NOW)
    assert list(watcher.comparison.measures[0].readings) == ["a", "b"]


async def test_what_was_missed_while_prometheus_was_away_is_read_afterwards() -> None:
    prometheus = Remembering()
    watcher = ComparisonWatcher(prometheus, "everything")
    await read_all(watcher, EVEN, NOW - 500, NOW)
    before = watcher.comparison.requests
    prometheus.away = True
    with pytest.raises(SourceAwayError):
        await watcher.look(EVEN, NOW - 500, NOW + 200)
    assert watcher.comparison.requests == before
    prometheus.away = False
    await read_all(watcher, EVEN, NOW - 500, NOW + 300)
    assert watcher.comparison.requests == pytest.approx(2 * PER_S * 800, rel=0.1)


async def test_an_answer_that_is_none_is_told_as_a_source_that_is_away() -> None:
    def nonsense(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": "success", "data": {"result": [1]}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(nonsense)) as client:
        with pytest.raises(SourceAwayError, match="can't be asked"):
            await Prometheus(client, "http://nowhere").readings("up", 0, 10, 5)
