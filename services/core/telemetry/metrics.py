"""The metrics that every writing service has, under names that dashboards and alerts rely on.

Records are counted one by one, all else once a batch. Labels are bounded: outcomes come from the
code, arms from the settings and, in the recorder, from few bridges.
"""

from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from services.core.telemetry.calls import SECONDS_BUCKETS, LabelledCount

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class WriteMetrics:
    """What a batcher reports.

    ``records`` names the count of records. Arms share one, so that its sum counts each record
    once; a service behind an arm must have another.
    """

    def __init__(
        self, registry: CollectorRegistry, *, queue_limit: int, records: str = "meshsplit_records"
    ) -> None:
        self.records = LabelledCount(
            records, "Records, by what became of them", ["arm", "outcome"], foreign="arm"
        )
        registry.register(self.records)
        self.queue_depth = Gauge(
            "meshsplit_queue_depth", "Records that wait for a batch", registry=registry
        )
        Gauge("meshsplit_queue_limit", "Most records that may wait", registry=registry).set(
            queue_limit
        )
        self.queue_wait_seconds = Histogram(
            "meshsplit_queue_wait_seconds",
            "Longest wait of a batch's records for it to begin, in seconds",
            buckets=SECONDS_BUCKETS,
            registry=registry,
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
    # OpenMetrics would have one more series for each, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
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
