"""Each record's way through the cluster, as Jaeger tells it."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.cluster.jaeger import GATEWAY, Trace, jaeger
from tests.cluster.system import Cluster, Load, kubectl

pytestmark = pytest.mark.part("traces")

RATE = ("-n", "istio-system", "patch", "telemetry/meshsplit-traces", "--type=json", "-p")
FOLLOWED_S = 3.0
ARMS = {"fastapi": "ingest", "grpc": "bridge"}


@contextmanager
def traced(percent: float) -> Iterator[None]:
    """Have the gateway trace so many of a hundred requests, while the block runs."""
    value = {"op": "replace", "path": "/spec/tracing/0/randomSamplingPercentage"}
    kubectl(*RATE, json.dumps([value | {"value": percent}]))
    try:
        time.sleep(FOLLOWED_S)
        yield
    finally:
        kubectl(*RATE, json.dumps([value | {"value": 1}]))
        time.sleep(FOLLOWED_S)


@dataclass(frozen=True)
class Seen:
    """A load of which everything was traced, and what Jaeger has of it."""

    load: Load
    ways: tuple[Trace, ...]
    """The records' traces."""
    batches: dict[str, Trace]
    """The batches' own traces, by id."""


@pytest.fixture(scope="module")
def seen(cluster: Cluster) -> Seen:  # noqa: ARG001 - must be up
    """Trace everything for a while, and wait until all of it is there."""
    began = time.time()
    with traced(100), Load(users=4) as load:
        time.sleep(3)
    with jaeger() as api:

        def ways() -> list[Trace]:
            found = api.traces(GATEWAY, began)
            return [each for each in found if service_of(each) is not None]

        api.until(lambda: len(ways()) >= load.acknowledged, f"{load.acknowledged} traces")
        batches = {
            each.id: each
            for service in (*ARMS.values(), "recorder")
            for each in api.traces(service, began)
            if each.named(service, "store batch")
        }
        return Seen(load, tuple(ways()), batches)


def service_of(trace: Trace) -> str | None:
    """Return which arm's service a record came to."""
    return next((name for name in ARMS.values() if trace.named(name, "POST /")), None)


def ways_through(seen: Seen, service: str) -> list[Trace]:
    found = [each for each in seen.ways if service_of(each) == service]
    assert found
    return found


def test_of_every_stored_record_there_is_a_trace_and_they_are_split_as_the_records_are(
    seen: Seen,
) -> None:
    assert seen.load.failed == []
    arms = Counter({arm: len(ways_through(seen, service)) for arm, service in ARMS.items()})
    assert arms == seen.load.arms


@pytest.mark.parametrize("service", ARMS.values())
def test_a_records_trace_begins_at_the_gateway_and_leads_to_the_arm(
    seen: Seen, service: str
) -> None:
    for way in ways_through(seen, service):
        (served,) = way.named(service, "POST /")
        above = list(way.above(served))
        assert above[-1].parent is None
        assert above[-1].service == GATEWAY
        assert {span.service for span in above} == {GATEWAY}


@pytest.mark.parametrize(
    ("service", "writer", "name"),
    [("ingest", "ingest", "POST /"), ("bridge", "recorder", "store record")],
)
def test_a_record_and_the_commit_of_its_batch_are_found_from_each_other(
    seen: Seen, service: str, writer: str, name: str
) -> None:
    for way in ways_through(seen, service):
        (served,) = way.named(service, "POST /")
        (written,) = way.named(writer, name)
        assert served in (written, *way.above(written))
        (number,) = written.linked
        (batch,) = seen.batches[number].named(writer, "store batch")
        assert way.id in batch.linked
        assert written.tags["meshsplit.batch.id"] == batch.tags["meshsplit.batch.id"]
        assert "COMMIT" in {
            span.tags.get("db.operation.name") for span in seen.batches[number].spans
        }


def test_a_batch_goes_from_the_bridge_to_the_recorder_in_one_trace(seen: Seen) -> None:
    for way in ways_through(seen, "bridge"):
        (served,) = way.named("bridge", "POST /")
        (number,) = served.linked
        batch = seen.batches[number]
        (sent,) = batch.named("bridge", "store batch")
        (taken,) = (span for span in batch.spans if span.service == "recorder")
        assert way.id in sent.linked
        assert sent in batch.above(taken)


def test_at_other_times_one_request_in_a_hundred_is_traced(cluster: Cluster) -> None:  # noqa: ARG001 - must be up
    began = time.time()
    with Load(pause_s=0) as load:
        time.sleep(8)
    time.sleep(9)  # the gateway sends its spans after five seconds at most
    with jaeger() as api:
        found = [each for each in api.traces(GATEWAY, began) if service_of(each)]
    assert load.failed == []
    expected = load.acknowledged / 100
    assert abs(len(found) - expected) <= 4 * math.sqrt(expected)


def test_a_collector_that_is_away_fails_no_request(cluster: Cluster) -> None:
    away = ("-n", "observability", "scale", "deployment/otel-collector")
    with traced(100):
        kubectl(*away, "--replicas=0")
        try:
            with Load() as load:
                time.sleep(6)
        finally:
            kubectl(*away, "--replicas=1")
            kubectl("-n", "observability", "rollout", "status", "deployment/otel-collector")
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms
