import asyncio
import json
import logging

import pytest
from opentelemetry.trace import Span, StatusCode, use_span
from prometheus_client import CollectorRegistry

from services.core.domain.ids import IdMaker
from services.core.domain.outcome import NotStored, Outcome, Stored
from services.core.domain.pending import Pending, traces_of
from services.core.domain.record import Record
from services.core.telemetry.logs import JSONFormatter
from services.core.telemetry.metrics import WriteMetrics
from services.core.telemetry.traces import current_span, trace_id_of, traceparent_of
from services.core.writing.batcher import Batcher
from tests.kept_spans import Memory, told

new_id = IdMaker().new


class Writer:
    """A batcher whose spans are kept, and what it stores through."""

    def __init__(self, *, queue_limit: int = 2000) -> None:
        self.memory = Memory()
        self.go = asyncio.Event()
        self.error: Exception | None = None
        self.refuse = False
        self.metrics = WriteMetrics(CollectorRegistry(), queue_limit=queue_limit)
        self.batcher = Batcher(
            self._flush,
            queue_limit=queue_limit,
            batch_limit=1024,
            linger_s=0,
            wait_limit_s=5,
            metrics=self.metrics,
            arm="fastapi",
            traces=self.memory.traces,
        )
        self.batcher.start()
        self.current: list[Span | None] = []

    async def _flush(self, batch: list[Pending]) -> list[Outcome]:
        self.current.append(current_span())
        await self.go.wait()
        if self.error is not None:
            raise self.error
        if self.refuse:
            return [NotStored("busy")] * len(batch)
        return [Stored(each.id, "fastapi") for each in batch]

    async def post(self, *, traced: bool) -> Outcome:
        pending = Pending(new_id(), Record("1", "Ana", "Math", 80, "first", 2020), None, "r")
        if not traced:
            return await self.batcher.submit(pending)
        with self.memory.traces.tracer.start_as_current_span("POST /") as span:
            pending.traceparent = traceparent_of(span)
            return await self.batcher.submit(pending)

    async def batch(self, *traced: bool) -> list[Outcome]:
        """Post behind a first one, so that the rest goes together."""
        first = asyncio.create_task(self.post(traced=False))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(self.post(traced=each)) for each in traced]
        await asyncio.sleep(0.01)
        self.go.set()
        return list(await asyncio.gather(first, *rest))[1:]


async def test_a_full_batch_is_linked_to_every_one_of_its_members_and_back() -> None:
    writer = Writer()
    await writer.batch(*[True] * 1024)
    (batch,) = writer.memory.named("store batch")
    members = writer.memory.named("POST /")
    assert len(batch.links) == len(members) == 1024
    assert batch.parent is None
    assert {each.context.span_id for each in batch.links} == {
        each.context.span_id for each in members if each.context
    }
    for member in members:
        (link,) = member.links
        assert link.context == batch.context
        assert told(member)["meshsplit.batch.id"] == told(batch)["meshsplit.batch.id"]
    await writer.batcher.drain(1)


async def test_a_mixed_batch_tells_of_the_traced_and_counts_all() -> None:
    writer = Writer()
    await writer.batch(True, False, True, False, False)
    (batch,) = writer.memory.named("store batch")
    assert len(batch.links) == told(batch)["meshsplit.batch.traced"] == 2
    assert told(batch)["meshsplit.batch.records"] == told(batch)["meshsplit.outcome.stored"] == 5
    waits = [told(each)["meshsplit.queue.wait"] for each in writer.memory.named("POST /")]
    assert all(0 <= wait < 1 for wait in waits)
    assert told(batch)["meshsplit.queue.wait"] == max(waits)
    await writer.batcher.drain(1)


async def test_a_batch_of_nobody_who_is_traced_has_no_span() -> None:
    writer = Writer()
    await writer.batch(False, False)
    assert writer.memory.spans == []
    assert writer.current == [None, None]
    await writer.batcher.drain(1)


async def test_a_batch_that_fails_is_logged_under_its_span_with_its_members_traces(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = Writer()
    writer.error = RuntimeError("broken")
    shown: list[dict[str, object]] = []
    handler = logging.Handler()
    handler.setFormatter(JSONFormatter("ingest"))
    handler.emit = lambda record: shown.append(json.loads(handler.format(record)))  # type: ignore[method-assign]  # the test's own
    logging.getLogger("services").addHandler(handler)
    try:
        await writer.batch(True, False)
    finally:
        logging.getLogger("services").removeHandler(handler)
    assert caplog.records
    (batch,) = writer.memory.named("store batch")
    (member,) = writer.memory.named("POST /")
    assert batch.context is not None
    assert member.context is not None
    untraced, line = shown
    assert "trace_id" not in untraced
    assert line["trace_id"] == f"{batch.context.trace_id:032x}"
    assert line["span_id"] == f"{batch.context.span_id:016x}"
    assert line["traces"] == [f"{member.context.trace_id:032x}"]
    assert batch.status.status_code is StatusCode.ERROR
    assert told(batch)["error.type"] == told(member)["meshsplit.outcome"] == "unknown"
    await writer.batcher.drain(1)


async def test_what_is_refused_without_a_batch_says_so() -> None:
    writer = Writer(queue_limit=1)
    first = asyncio.create_task(writer.post(traced=True))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(writer.post(traced=True))
    await asyncio.sleep(0.01)
    assert isinstance(await writer.post(traced=True), NotStored)
    await writer.batcher.drain(0.05)
    await asyncio.gather(first, waiting)
    assert isinstance(await writer.post(traced=True), NotStored)
    outcomes = [told(each)["meshsplit.outcome"] for each in writer.memory.named("POST /")]
    assert sorted(outcomes) == ["draining", "draining", "queue_full", "unknown"]
    (batch,) = writer.memory.named("store batch")
    assert batch.status.status_code is StatusCode.ERROR


async def test_a_member_whose_client_left_is_told_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = Writer()
    tasks = [asyncio.create_task(writer.post(traced=True)) for _ in range(2)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    writer.go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [len(each.links) for each in writer.memory.named("store batch")] == [2]
    assert not caplog.records, "the SDK complains of a span that has ended"
    await writer.batcher.drain(1)


async def test_a_commit_of_something_traced_is_its_buckets_exemplar() -> None:
    writer = Writer()
    await writer.batch(True)
    (batch,) = writer.memory.named("store batch")
    (metric,) = writer.metrics.commit_seconds.collect()
    found = [sample.exemplar.labels for sample in metric.samples if sample.exemplar]
    assert batch.context is not None
    assert found == [{"trace_id": f"{batch.context.trace_id:032x}"}]
    await writer.batcher.drain(1)


def test_no_more_than_ten_traces_are_named_in_a_line() -> None:
    memory = Memory()
    span = memory.traces.tracer.start_span("one")
    with use_span(span):
        record = Record("1", "Ana", "Math", 80, "first", 2020)
        many = [Pending(new_id(), record, None, "r", traceparent=traceparent_of(span))] * 20
    assert traces_of(many) == [trace_id_of(span)] * 10
    assert traces_of([Pending(new_id(), record, None, "r")]) == []
