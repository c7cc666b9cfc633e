"""Traces as a service's parts see them: who is traced, by what, and the end of it."""

import asyncio
from random import random
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracerProvider,
    Span,
    SpanContext,
    TraceFlags,
    TracerProvider,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from prometheus_client import CollectorRegistry

from services.core.settings import BaseServiceSettings
from services.core.telemetry.trace_context import TraceParent

if TYPE_CHECKING:
    from opentelemetry.context import Context

SCOPE: Final = "meshsplit"
"""The name under which this project's own spans are made."""

Exemplar = dict[str, str]
"""Labels that lead from a sample of a metric to a trace."""


class Way(Protocol):
    """The spans' way out of the process."""

    @property
    def provider(self) -> TracerProvider:
        """Makes the tracers whose spans go that way."""

    def stop(self, limit_s: float) -> None:
        """Send what waits and end, within a time, in seconds."""


class Traces:
    """Decides who is traced, and has the tracer for those who are.

    Args:
        way: where spans go; None: tracing is off, and ids are only passed on.
        ratio: share of the requests without a trace context that are traced all the same.

    """

    def __init__(self, way: Way | None = None, *, ratio: float = 0.0) -> None:
        self._way = way
        self._ratio = ratio if way else 0.0
        self.on = way is not None
        self.provider = way.provider if way else NoOpTracerProvider()
        self.tracer = self.provider.get_tracer(SCOPE)

    @classmethod
    def of(
        cls, service: str, settings: BaseServiceSettings, registry: CollectorRegistry
    ) -> "Traces":
        """Make a service's traces, in the process and the loop that use them."""
        if settings.otlp_endpoint is None:
            return cls()
        # A service that isn't traced needs neither the SDK's memory nor the time it takes to load.
        from services.core.telemetry.exporting import Exporting  # noqa: PLC0415

        return cls(Exporting(service, settings.otlp_endpoint, registry), ratio=settings.trace_ratio)

    def samples(self, parent: TraceParent | None) -> bool:
        """Decide whether a request is traced: as its sender did, or by chance without one."""
        if parent is not None:
            return self.on and parent.sampled
        return self._ratio > 0 and random() < self._ratio  # noqa: S311 - no secret

    async def stop(self, limit_s: float) -> None:
        """Send what waits and end, within a time, in seconds."""
        if self._way is not None:
            await asyncio.to_thread(self._way.stop, limit_s)


OFF: Final = Traces()
"""No traces."""


def remote_parent(parent: TraceParent | None, state: list[str] | None = None) -> "Context | None":
    """Give the context in which a span is the child of one in another process.

    Args:
        parent: that span; None: a trace begins here.
        state: the values of the tracestate headers.

    """
    if parent is None:
        return None
    context = SpanContext(
        trace_id=int(parent.trace_id, 16),
        span_id=int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent.flags, 16)),
        trace_state=TraceState.from_header(state) if state else None,
    )
    return set_span_in_context(NonRecordingSpan(context))


def current_span() -> Span | None:
    """Give the span that is recorded here and now, None where nothing is."""
    span = get_current_span()
    return span if span.is_recording() else None


def trace_id_of(span: Span) -> str:
    """Give the id of a span's trace, 32 hexadecimal digits."""
    return f"{span.get_span_context().trace_id:032x}"


def traceparent_of(span: Span) -> str:
    """Give the header's value that makes others this span's children."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def exemplar(span: Span | None) -> Exemplar | None:
    """Give what a metric's sample carries to be found by; None without a span."""
    return {"trace_id": trace_id_of(span)} if span is not None else None
