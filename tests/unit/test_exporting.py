"""The spans' way out, with a collector that does as it is told."""

import logging
import time

import pytest
from opentelemetry.trace import Link, StatusCode
from prometheus_client import CollectorRegistry

from audit.servers.program import free_port
from services.core.contract.messages import ITEMS_MAX
from services.core.telemetry.exporting import LINKS_MAX, QUEUE_LIMIT, Exporting
from tests.collector import Collector


def counts(registry: CollectorRegistry) -> dict[str, float]:
    return {
        outcome: registry.get_sample_value("meshsplit_spans_total", {"outcome": outcome}) or 0
        for outcome in ("exported", "failed", "dropped")
    }


def test_what_was_ended_is_with_the_collector_after_the_stop(collector: Collector) -> None:
    registry = CollectorRegistry()
    exporting = Exporting("ingest", collector.url, registry)
    tracer = exporting.provider.get_tracer("test")
    for number in range(1300):
        span = tracer.start_span(f"span {number}")
        span.set_status(StatusCode.ERROR)
        span.end()
    exporting.stop(5)
    assert {each.name for each in collector.spans} == {f"span {number}" for number in range(1300)}
    seen = collector.spans[0]
    assert seen.is_error
    assert seen.resource["service.name"] == "ingest"
    assert seen.resource["service.version"]
    assert len(seen.resource["service.instance.id"]) == 36
    assert counts(registry) == {"exported": 1300, "failed": 0, "dropped": 0}


def test_a_span_keeps_as_many_links_as_a_batch_has_members(collector: Collector) -> None:
    exporting = Exporting("ingest", collector.url, CollectorRegistry())
    tracer = exporting.provider.get_tracer("test")
    members = [tracer.start_span("member") for _ in range(LINKS_MAX)]
    tracer.start_span("batch", links=[Link(each.get_span_context()) for each in members]).end()
    exporting.stop(5)
    (batch,) = collector.spans
    wanted = [f"{each.get_span_context().span_id:016x}" for each in members]
    assert [span_id for _, span_id in batch.links] == wanted
    assert len(wanted) == ITEMS_MAX


def test_a_silent_collector_costs_a_bounded_queue_and_a_bounded_end(collector: Collector) -> None:
    collector.hold.clear()
    registry = CollectorRegistry()
    exporting = Exporting("ingest", collector.url, registry)
    tracer = exporting.provider.get_tracer("test")
    many = QUEUE_LIMIT * 3
    began = time.thread_time()
    for _ in range(many):
        tracer.start_span("span").end()
    dropped = counts(registry)["dropped"]
    assert (registry.get_sample_value("meshsplit_span_queue_depth") or 0) <= QUEUE_LIMIT
    assert registry.get_sample_value("meshsplit_span_queue_limit") == QUEUE_LIMIT
    # What is being sent is no longer in the queue.
    assert many - QUEUE_LIMIT - 1024 <= dropped <= many - QUEUE_LIMIT
    assert time.thread_time() - began < 5
    began = time.monotonic()
    exporting.stop(0.5)
    assert time.monotonic() - began < 4, "the exporter itself gives up after five"
    tracer.start_span("late").end()
    told = counts(registry)
    assert told["exported"] == 0
    assert told["dropped"] == dropped + 1
    assert told["failed"] == many - dropped
    assert registry.get_sample_value("meshsplit_span_queue_depth") == 0


def test_the_end_does_not_wait_for_a_collector_that_was_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "services")
    registry = CollectorRegistry()
    exporting = Exporting("ingest", f"http://127.0.0.1:{free_port()}", registry)
    tracer = exporting.provider.get_tracer("test")
    until = time.monotonic() + 15
    while not counts(registry)["failed"]:
        tracer.start_span("span").end()
        assert time.monotonic() < until
        time.sleep(0.1)
    began = time.monotonic()
    exporting.stop(10)
    assert time.monotonic() - began < 8
    lines = [each for each in caplog.records if each.name.startswith("services")]
    assert [each.getMessage() for each in lines] == ["the collector of traces is away"]
