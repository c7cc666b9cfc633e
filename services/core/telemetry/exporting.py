"""The spans' way out: a bounded queue, a thread that sends, and a collector that may be away."""

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.core.telemetry.metrics import project_version

QUEUE_LIMIT: Final = 4096
"""Most spans that wait for the collector; one more is dropped."""
LINKS_MAX: Final = 1024
"""As many as a batch may have members."""
_AT_ONCE: Final = 512
_EVERY_MS: Final = 1000
_TIMEOUT_S: Final = 5.0
_log = logging.getLogger(__name__)


class Exporting(Collector):
    """Sends a process's spans by OTLP, beside its work and never in its way.

    What finds the queue full is dropped, what the collector doesn't take is lost; both are counted.

    Args:
        service: whose spans these are.
        endpoint: the collector's URL.
        registry: where spans are counted.

    """

    def __init__(self, service: str, endpoint: str, registry: CollectorRegistry) -> None:
        self._exporter = _Exporter(OTLPSpanExporter(endpoint, timeout=_TIMEOUT_S))
        self._queue = _BoundedQueue(self._exporter)
        resource = Resource.create(
            {
                "service.name": service,
                "service.version": project_version(),
                "service.instance.id": str(uuid4()),
            }
        )
        self.provider = TracerProvider(
            # Who is traced is decided before a span is begun; a batch's own trace has no parent.
            sampler=ParentBased(ALWAYS_ON),
            resource=resource,
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_links=LINKS_MAX),
        )
        self.provider.add_span_processor(self._queue)
        registry.register(self)

    def stop(self, limit_s: float) -> None:
        """Send what waits, but don't wait for a collector that is away, nor longer than that."""
        giving_up = threading.Timer(0 if self._exporter.away else limit_s, self._exporter.give_up)
        giving_up.daemon = True
        giving_up.start()
        self.provider.shutdown()
        giving_up.cancel()

    def collect(self) -> Iterator[Metric]:
        """Give the counts as a metric."""
        spans = CounterMetricFamily(
            "meshsplit_spans", "Spans, by what became of them", labels=["outcome"]
        )
        spans.add_metric(["exported"], self._exporter.exported)
        spans.add_metric(["failed"], self._exporter.failed)
        spans.add_metric(["dropped"], self._queue.dropped)
        yield spans
        yield GaugeMetricFamily(
            "meshsplit_span_queue_depth", "Spans that wait for the collector", self._queue.depth
        )
        yield GaugeMetricFamily(
            "meshsplit_span_queue_limit", "Most spans that may wait", QUEUE_LIMIT
        )


class _Exporter(SpanExporter):
    """Counts what the collector took, and says once when it is away and once when it is back.

    Used by the sending thread only, but for ``give_up``.
    """

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._ended = threading.Lock()
        self.taken = 0
        self.exported = 0
        self.failed = 0
        self.away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001 - the thread outlives whatever a batch does to it
            _log.exception("spans could not be sent")
            result = SpanExportResult.FAILURE
        took = result is SpanExportResult.SUCCESS
        if took:
            self.exported += len(spans)
        else:
            self.failed += len(spans)
        if took == self.away:
            level = logging.INFO if took else logging.WARNING
            _log.log(level, "the collector of traces %s", "is back" if took else "is away")
            self.away = not took
        return result

    def give_up(self) -> None:
        """End what is being sent, now."""
        if self._ended.acquire(blocking=False):
            self._exporter.shutdown()

    def shutdown(self) -> None:
        self.give_up()


class _BoundedQueue(SpanProcessor):
    """The SDK's queue, kept from overflowing, so that what is dropped is counted and not logged."""

    def __init__(self, exporter: _Exporter) -> None:
        self._exporter = exporter
        self._queue = BatchSpanProcessor(
            exporter,
            max_queue_size=QUEUE_LIMIT,
            schedule_delay_millis=_EVERY_MS,
            max_export_batch_size=_AT_ONCE,
        )
        self._ended = False
        self._entered = 0
        self.dropped = 0

    @property
    def depth(self) -> int:
        """How many wait. Each of the numbers is written by one thread: the loop's, the sender's."""
        return self._entered - self._exporter.taken

    def on_end(self, span: ReadableSpan) -> None:
        if self._ended or self.depth >= QUEUE_LIMIT:
            self.dropped += 1
            return
        self._entered += 1
        self._queue.on_end(span)

    def shutdown(self) -> None:
        self._ended = True
        self._queue.shutdown()  # type: ignore[no-untyped-call]  # the SDK gives it no types
