"""The span of a write to Redis, under the batches that it brings there."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    set_span_in_context,
)

from services.core.storage.ledger import CommittedBatch

NAME: Final = "EVALSHA"
"""The command that Redis is sent; the semantic conventions name the span by it."""


def apply_span(
    tracer: Tracer, batches: Sequence[CommittedBatch]
) -> AbstractContextManager[Span] | None:
    """Trace a write, if any of its batches was traced.

    It is the child of the first of those, and linked to the others: they share one round trip.
    """
    traced = [batch.span for batch in batches if batch.span is not None]
    return _traced(tracer, traced, len(batches)) if traced else None


@contextmanager
def _traced(tracer: Tracer, commits: Sequence[SpanContext], batches: int) -> Iterator[Span]:
    with tracer.start_as_current_span(
        NAME,
        context=set_span_in_context(NonRecordingSpan(commits[0])),
        kind=SpanKind.CLIENT,
        links=[Link(commit) for commit in commits[1:]],
        attributes={
            "db.system.name": "redis",
            "db.operation.name": NAME,
            "meshsplit.batches": batches,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR, str(error))
            raise
