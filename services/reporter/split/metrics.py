"""The split's last look as metrics, so that an alert goes by the same verdict as the page."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from meshsplit.split.weights import SplitError
from services.reporter.split.answer import RESULTS
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
            for arm, percent in percents.items():
                weights.add_metric([arm, stage], percent / 100)
        yield weights
        decisions = GaugeMetricFamily(
            "meshsplit_split_decisions",
            "Decisions for an arm since the last change of weights",
            labels=["arm"],
        )
        for arm, count in answer.observed.counts.items():
            decisions.add_metric([arm], count)
        yield decisions
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
