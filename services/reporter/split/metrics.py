"""The split's last look as metrics, so that an alert goes by the same verdict as the page."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from meshsplit.split.weights import SplitError
from services.reporter.split.answer import RESULTS, SplitAnswer
from services.reporter.split.observer import SplitObserver


class SplitMetrics(Collector):
    """Gives weights, counts and the verdict of an observer; nothing while no split can be read.

    Labels are bounded: arms come from the VirtualService, results from the code.
    """

    def __init__(self, observer: SplitObserver) -> None:
        self._observer = observer

    def describe(self) -> Iterator[Metric]:
        """Give no names beforehand: registering must not look at the split."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Give the last look as metrics."""
        try:
            answer = self._observer.report()
        except SplitError:
            return
        arms = GaugeMetricFamily(
            "meshsplit_split_arm_info", "1, with the host that an arm is", labels=["arm", "host"]
        )
        for arm in answer.arms:
            arms.add_metric([arm.name, arm.host], 1)
        yield arms
        weights = GaugeMetricFamily(
            "meshsplit_split_weight_ratio",
            "Share of the records an arm should get, 0 to 1, by who says so",
            labels=["arm", "stage"],
        )
        for stage, percents in (
            ("asked", answer.asked),
            ("configured", answer.configured),
            ("applied", answer.applied or {}),
        ):
            for name, percent in percents.items():
                weights.add_metric([name, stage], percent / 100)
        yield weights
        yield from _observed(answer)
        yield GaugeMetricFamily(
            "meshsplit_split_evidence",
            "E-value against the weights asked for; 20 and more is disagreement at 5 %",
            answer.verdict.evidence,
        )
        result = GaugeMetricFamily(
            "meshsplit_split_result", "1 for what the verdict says now", labels=["result"]
        )
        for state, name in RESULTS.items():
            result.add_metric([name], float(state == answer.verdict.state))
        yield result


def _observed(answer: SplitAnswer) -> Iterator[Metric]:
    """Give what happened since the last change of weights, and when that was."""
    decisions = GaugeMetricFamily(
        "meshsplit_split_decisions",
        "Decisions for an arm since the last change of weights",
        labels=["arm"],
    )
    shares = GaugeMetricFamily(
        "meshsplit_split_share_ratio",
        "Share of the decisions an arm got, 0 to 1, and the ends of its confidence sequence",
        labels=["arm", "bound"],
    )
    for arm, count in answer.observed.counts.items():
        decisions.add_metric([arm], count)
    for arm, share in answer.observed.shares.items():
        shares.add_metric([arm, "observed"], share)
    for arm, (low, high) in answer.verdict.intervals.items():
        shares.add_metric([arm, "low"], low)
        shares.add_metric([arm, "high"], high)
    yield decisions
    yield shares
    yield GaugeMetricFamily(
        "meshsplit_split_changed_timestamp_seconds",
        "When the weights last changed, in seconds since 1970",
        datetime.fromisoformat(answer.observed.since).timestamp(),
    )
    yield GaugeMetricFamily(
        "meshsplit_split_needed_requests",
        "About how many more requests a verdict takes",
        answer.verdict.needed,
    )
