"""Spans kept in memory, for tests of what makes them."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.core.telemetry.exporting import LINKS_MAX
from services.core.telemetry.traces import Traces


class Memory:
    """Keeps the spans that end."""

    def __init__(self) -> None:
        self.provider = TracerProvider(
            shutdown_on_exit=False, span_limits=SpanLimits(max_links=LINKS_MAX)
        )
        self._kept = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.traces = Traces(self)

    def stop(self, limit_s: float) -> None:
        """Nothing waits."""

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.spans if each.name == name]


def told(span: ReadableSpan) -> Mapping[str, Any]:
    """A span's attributes."""
    return span.attributes or {}
