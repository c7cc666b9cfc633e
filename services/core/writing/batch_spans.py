"""A batch's span and its members': linked both ways, for a batch has many parents.

A slow commit is found from a slow request by the link one way, and whom it held up by the other.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

from opentelemetry.trace import Link, Span, StatusCode, Tracer, use_span

from services.core.domain.ids import IdMaker
from services.core.domain.pending import Pending
from services.core.telemetry.traces import current_span

NAME: Final = "store batch"
_BAD: Final = frozenset({"not_stored", "unknown"})
_new_id: Final = IdMaker().new


class Member(NamedTuple):
    """A traced record of a batch."""

    place: int
    """Where it stands in the batch."""
    span: Span
    waited_s: float


def record_span(pending: Pending, arm: str) -> Span | None:
    """Give the span under which a traced record comes, if there is one, and name it there."""
    if (span := current_span()) is None:
        return None  # tracing is off here, and the context is only handed on
    span.set_attributes({"meshsplit.record.id": str(pending.id), "meshsplit.arm": arm})
    return span


def refused(span: Span | None, outcome: str) -> None:
    """Note why a record was not let into a batch."""
    if span is not None and span.is_recording():
        span.set_attribute("meshsplit.outcome", outcome)


class BatchSpan:
    """The span of a batch of which somebody is traced; the current one within the block."""

    def __init__(self, tracer: Tracer, members: Sequence[Member], records: int) -> None:
        self._members = members
        self._id = str(_new_id())
        self.span = tracer.start_span(
            NAME,
            links=[Link(each.span.get_span_context()) for each in members],
            attributes={
                "meshsplit.batch.id": self._id,
                "meshsplit.batch.records": records,
                "meshsplit.batch.traced": len(members),
                "meshsplit.queue.wait": max(each.waited_s for each in members),
            },
        )
        self._current = use_span(self.span, record_exception=False, set_status_on_exception=False)

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
            self.end(["unknown"] * (self._members[-1].place + 1))

    def end(self, outcomes: Sequence[str]) -> None:
        """Note what became of each record, and that the batch is done."""
        counts: dict[str, int] = {}
        for outcome in outcomes:
            counts[outcome] = counts.get(outcome, 0) + 1
        self.span.set_attributes({f"meshsplit.outcome.{name}": n for name, n in counts.items()})
        if bad := sorted(_BAD & counts.keys()):
            self.span.set_attribute("error.type", bad[-1])
            self.span.set_status(StatusCode.ERROR)
        context = self.span.get_span_context()
        for member in self._members:
            if member.span.is_recording():  # else its client has left
                member.span.add_link(context)
                member.span.set_attributes(
                    {
                        "meshsplit.batch.id": self._id,
                        "meshsplit.queue.wait": member.waited_s,
                        "meshsplit.outcome": outcomes[member.place],
                    }
                )
        self.span.end()
