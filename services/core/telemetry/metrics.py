"""The metrics that every writing service has, under names that dashboards and alerts rely on.

Counting a request must cost next to nothing, so it is plain lists here, which turn into metrics
when somebody asks. All of it happens on the event loop's thread. Labels are bounded: arms and
outcomes come from the code and the settings, codes from the table of problems.
"""

from bisect import bisect_left
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

SECONDS_BUCKETS = (
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    15.0,
)
_SERIES_MAX = 100
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class RequestTally(Collector):
    """Counts requests by status and times them: two list increments a request."""

    def __init__(self, service: str, arm: str) -> None:
        self._labels = [service, arm]
        self._codes: dict[int, int] = {}
        self._buckets = [0] * (len(SECONDS_BUCKETS) + 1)
        self._sum = 0.0

    def count(self, code: int, seconds: float) -> None:
        """Count one answered request."""
        self._codes[code] = self._codes.get(code, 0) + 1
        self._buckets[bisect_left(SECONDS_BUCKETS, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[Metric]:
        """Give the counts as metrics."""
        requests = CounterMetricFamily(
            "meshsplit_requests",
            "Requests to the records' route, by status",
            labels=["service", "arm", "code"],
        )
        for code, count in self._codes.items():
            requests.add_metric([*self._labels, str(code)], count)
        yield requests
        seconds = HistogramMetricFamily(
            "meshsplit_request_seconds",
            "Time from a request's headers to its answer, in seconds",
            labels=["service", "arm"],
        )
        total, buckets = 0, []
        for bound, count in zip((*SECONDS_BUCKETS, float("inf")), self._buckets, strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
        seconds.add_metric(self._labels, buckets, self._sum)
        yield seconds


class WriteTally(Collector):
    """Counts what became of records, under a metric's name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._records: dict[tuple[str, str], int] = {}

    def count(self, arm: str, outcome: str) -> None:
        """Count one record. An arm's name that came by gRPC is one of few, or "other"."""
        key = (arm, outcome)
        if key not in self._records and len(self._records) >= _SERIES_MAX:
            key = ("other", outcome)
        self._records[key] = self._records.get(key, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Give the counts as a metric."""
        records = CounterMetricFamily(
            self._name, "Records, by what became of them", labels=["arm", "outcome"]
        )
        for labels, count in self._records.items():
            records.add_metric(labels, count)
        yield records


class WriteMetrics:
    """What a batcher reports.

    ``records`` names the count of records. Arms share one, so that its sum counts each record
    once; a service behind an arm must have another.
    """

    def __init__(
        self, registry: CollectorRegistry, *, queue_limit: int, records: str = "meshsplit_records"
    ) -> None:
        self.records = WriteTally(records)
        registry.register(self.records)
        self.queue_depth = Gauge(
            "meshsplit_queue_depth", "Records that wait for a batch", registry=registry
        )
        Gauge("meshsplit_queue_limit", "Most records that may wait", registry=registry).set(
            queue_limit
        )
        self.batch_records = Histogram(
            "meshsplit_batch_records", "Records a batch", buckets=BATCH_BUCKETS, registry=registry
        )
        self.commit_seconds = Histogram(
            "meshsplit_commit_seconds",
            "Time from a batch's start to its outcomes, in seconds",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )


def project_version() -> str:
    """Say the version of the project that is installed, "unknown" where none is."""
    try:
        return version("meshsplit")
    except PackageNotFoundError:
        return "unknown"


def make_registry(service: str) -> CollectorRegistry:
    """Make a service's registry: the version it is built from, and what its process uses."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Gauge(
        "meshsplit_build_info",
        "1, with the version as a label",
        ["service", "version"],
        registry=registry,
    ).labels(service, project_version()).set(1)
    return registry
