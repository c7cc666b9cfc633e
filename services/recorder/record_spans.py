"""A record's span in the recorder: the child of its own request, not of the call it came by."""

import asyncio
from types import TracebackType
from typing import Final, Self

from opentelemetry.trace import Span, StatusCode, use_span

from services.core.domain.outcome import Invalid, NotStored, Outcome, Unknown
from services.core.telemetry.trace_context import read_traceparent
from services.core.telemetry.traces import Traces, remote_parent

NAME: Final = "store record"
_LENGTH: Final = 55
_UNSAMPLED: Final = "-00"


class RecordSpan:
    """The current span while a record is queued; it ends with the record's fate."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._current = use_span(span)

    def __enter__(self) -> Self:
        self._current.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._current.__exit__(kind, error, trace)
        if kind is not None:
            self._span.end()

    def ends_with(self, outcome: asyncio.Future[Outcome]) -> asyncio.Future[Outcome]:
        """End it once the outcome is there, or its caller has left."""
        outcome.add_done_callback(self._end)
        return outcome

    def _end(self, future: asyncio.Future[Outcome]) -> None:
        if future.cancelled():
            self._span.set_attribute("error.type", "cancelled")
            self._span.set_status(StatusCode.ERROR, "the caller went away")
        elif (error := future.exception()) is not None:
            self._span.record_exception(error)
        elif isinstance(outcome := future.result(), NotStored | Unknown):
            kind = "unknown" if isinstance(outcome, Unknown) else "not_stored"
            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR)
            if isinstance(outcome, NotStored):
                self._span.set_attribute("meshsplit.reason", outcome.reason)
        elif isinstance(outcome, Invalid):
            self._span.set_attribute("meshsplit.outcome", "invalid")
        self._span.end()


class RecordSpans:
    """Begins the spans of the records that are traced."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def begin(self, traceparent: str) -> RecordSpan | None:
        """Begin a record's span under its own request's; None if that isn't traced."""
        if len(traceparent) == _LENGTH and traceparent.endswith(_UNSAMPLED):
            return None  # nearly all of them
        parent = read_traceparent(traceparent.encode("ascii", "replace"))
        if parent is None or not self._traces.samples(parent):
            return None
        return RecordSpan(self._traces.tracer.start_span(NAME, context=remote_parent(parent)))
