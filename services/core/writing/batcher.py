"""Many requests, one transaction: a bounded queue and the writer that empties it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from time import monotonic, perf_counter

from opentelemetry.trace import Span

from services.core.domain.outcome import Conflict, Invalid, NotStored, Outcome, Stored, Unknown
from services.core.domain.pending import Pending, traces_of
from services.core.telemetry.metrics import WriteMetrics
from services.core.telemetry.traces import OFF, Traces, exemplar
from services.core.writing.batch_spans import BatchSpan, Member, record_span, refused

Flush = Callable[[list[Pending]], Awaitable[list[Outcome]]]
"""Stores a batch; answers for each record, in order. It bounds its own time."""

_log = logging.getLogger(__name__)
_Entry = tuple[Pending, asyncio.Future[Outcome], float, Span | None]
"""With the moment at which it was queued, and the span under which that was, if it is traced."""


class Batcher:
    """Takes all that waits, stores it at once, and answers every caller.

    One batch is under way at a time. A record that finds the writer idle goes at once. Under load
    (the last batch had more than one) a batch waits up to the linger for as many as there were
    then, answered and waiting: the callers just answered are about to send again, and if those that
    came meanwhile went without them, two halves would take turns for ever, each at a whole's cost.

    Args:
        flush: stores one batch.
        queue_limit: most records that may wait.
        batch_limit: most records in one batch.
        linger_s: longest wait for company, in seconds.
        wait_limit_s: a record that has waited longer than this, in seconds, is not stored any
            more: its answer would come too late for the gateway.
        metrics: where depth, size, time and outcomes go.
        arm: the arm of records that name none.
        traces: have the tracer for batches of which somebody is traced.

    """

    def __init__(
        self,
        flush: Flush,
        *,
        queue_limit: int,
        batch_limit: int,
        linger_s: float,
        wait_limit_s: float,
        metrics: WriteMetrics,
        arm: str,
        traces: Traces = OFF,
    ) -> None:
        self._flush = flush
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._linger_s = linger_s
        self._wait_limit_s = wait_limit_s
        self._metrics = metrics
        self._arm = arm
        self._tracer = traces.tracer
        self._queue: deque[_Entry] = deque()
        self._under_way: list[_Entry] = []
        self._arrived = asyncio.Event()
        self._enough = 1
        self._closed = False
        self._writer: asyncio.Task[None] | None = None
        metrics.queue_depth.set_function(lambda: len(self._queue))

    def start(self) -> None:
        """Start the writer on the running loop."""
        self._writer = asyncio.get_running_loop().create_task(self._write(), name="batch-writer")

    def submit(self, pending: Pending) -> asyncio.Future[Outcome]:
        """Queue a record; await what became of it.

        A record whose wait is cancelled is passed over when its turn comes (until then it keeps its
        place); one already in a batch is stored all the same.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        span = record_span(pending, pending.arm or self._arm) if pending.traceparent else None
        if self._closed:
            self._metrics.records.count(pending.arm or self._arm, "draining")
            refused(span, "draining")
            future.set_result(NotStored("draining"))
        elif len(self._queue) >= self._queue_limit:
            refused(span, "queue_full")
            self._metrics.records.count(pending.arm or self._arm, "queue_full")
            future.set_result(NotStored("queue full"))
        else:
            self._queue.append((pending, future, monotonic(), span))
            if len(self._queue) >= self._enough:
                self._arrived.set()
        return future

    async def drain(self, limit_s: float) -> None:
        """Take no more, store what waits, and stop; all within a time, in seconds.

        What still waits then is answered as not stored, what is under way as unknown.
        """
        self._closed = True
        self._enough = 1
        self._arrived.set()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=limit_s)
            self._writer.cancel()
            await asyncio.wait([self._writer], timeout=1)
        for pending, future, _, _ in self._under_way:
            self._metrics.records.count(pending.arm or self._arm, "unknown")
            if not future.done():
                future.set_result(Unknown())
        while self._queue:
            pending, future, _, span = self._queue.popleft()
            if not future.done():
                refused(span, "draining")
                self._metrics.records.count(pending.arm or self._arm, "draining")
                future.set_result(NotStored("draining"))

    async def _write(self) -> None:
        company = 0
        while True:
            await self._wait_for_work(company)
            batch = self._take()
            if batch:
                await self._store(batch)
                company = len(batch) + len(self._queue) if len(batch) > 1 else 1
            elif self._closed:
                return

    async def _wait_for_work(self, company: int) -> None:
        """Wait for a first record, then under load for as many as there were last time."""
        if self._closed:
            return
        if not self._queue:
            await self._wait_until(1, None)
        wanted = min(company, self._batch_limit)
        if wanted > 1 and len(self._queue) < wanted and not self._closed:
            await self._wait_until(wanted, self._linger_s)

    async def _wait_until(self, enough: int, limit_s: float | None) -> None:
        self._enough = enough
        self._arrived.clear()
        try:
            async with asyncio.timeout(limit_s):
                await self._arrived.wait()
        except TimeoutError:
            pass  # a smaller batch, then

    def _take(self) -> list[_Entry]:
        batch: list[_Entry] = []
        earliest = monotonic() - self._wait_limit_s
        while self._queue and len(batch) < self._batch_limit:
            entry = self._queue.popleft()
            pending, future, queued, span = entry
            if future.done():
                continue  # its caller has gone
            if queued < earliest:
                refused(span, "waited_too_long")
                self._metrics.records.count(pending.arm or self._arm, "waited_too_long")
                future.set_result(NotStored("waited too long"))
                continue
            batch.append(entry)
        return batch

    async def _store(self, batch: list[_Entry]) -> None:
        self._under_way = batch
        waited = monotonic() - batch[0][2]  # the oldest is first
        started = perf_counter()
        with self._span(batch) or nullcontext() as span:
            outcomes = await self._flush_all(batch)
            names = [_outcome_name(outcome) for outcome in outcomes]
            if span is not None:
                span.end(names)
        found_by = exemplar(span.span) if span is not None else None
        self._metrics.queue_wait_seconds.observe(waited, found_by)
        self._metrics.commit_seconds.observe(perf_counter() - started, found_by)
        self._metrics.batch_records.observe(len(batch), found_by)
        for (pending, _, _, _), name in zip(batch, names, strict=True):
            self._metrics.records.count(pending.arm or self._arm, name)
        self._under_way = []
        for (_, future, _, _), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    async def _flush_all(self, batch: list[_Entry]) -> list[Outcome]:
        pendings = [entry[0] for entry in batch]
        try:
            outcomes = await self._flush(pendings)
            _expect_one_each(batch, outcomes)
        except Exception:  # noqa: BLE001 - the writer outlives any batch; what this one did is open
            _log.exception(
                "a batch failed", extra={"records": len(batch), "traces": traces_of(pendings)}
            )
            return [Unknown()] * len(batch)
        return outcomes

    def _span(self, batch: list[_Entry]) -> BatchSpan | None:
        """Begin a batch's span, if any of its records is traced."""
        now = monotonic()
        members = [
            Member(place, span, now - queued)
            for place, (_, _, queued, span) in enumerate(batch)
            if span is not None
        ]
        return BatchSpan(self._tracer, members, len(batch)) if members else None


def _expect_one_each(batch: list[_Entry], outcomes: list[Outcome]) -> None:
    if len(outcomes) != len(batch):
        raise RuntimeError(f"{len(outcomes)} outcomes for {len(batch)} records")


def _outcome_name(outcome: Outcome) -> str:
    match outcome:
        case Stored(repeated=repeated):
            return "repeated" if repeated else "stored"
        case Conflict():
            return "conflict"
        case Invalid():
            return "invalid"
        case NotStored():
            return "not_stored"
        case Unknown():
            return "unknown"
